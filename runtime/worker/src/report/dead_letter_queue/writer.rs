//! The task that writes dead letters and hears what becomes of them.

use super::{Command, DeadLetter, InFlight, Settle};
use crate::produce_error::{delivery_error, send_error};
use connect_api::ConnectError;
use connect_kafka::producer::{
    Deliveries, Delivery, Producer, ProducerHeader, ProducerRecord, SendError,
};
use connect_telemetry::metrics::TaskMetrics;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

struct Sent {
    num_bytes: usize,
    place: String,
    settle: Settle,
}

/// Owns the producer, in a task of its own.
pub(super) struct Writer {
    topic: String,
    producer: Box<dyn Producer>,
    /// The letters on their way, by token.
    sent: HashMap<u64, Sent>,
    next_token: u64,
    /// The letter that the producer has no room for.
    waiting: Option<(DeadLetter, Settle)>,
    in_flight: Arc<InFlight>,
    metrics: TaskMetrics,
}

impl Writer {
    pub(super) fn new(
        topic: String,
        producer: Box<dyn Producer>,
        in_flight: Arc<InFlight>,
        metrics: TaskMetrics,
    ) -> Self {
        Self {
            topic,
            producer,
            sent: HashMap::new(),
            next_token: 0,
            waiting: None,
            in_flight,
            metrics,
        }
    }

    pub(super) async fn run(
        mut self,
        mut deliveries: Deliveries,
        mut commands: mpsc::UnboundedReceiver<Command>,
    ) {
        let timeout = loop {
            tokio::select! {
                biased;
                Some(batch) = deliveries.recv() => self.on_deliveries(&batch),
                () = self.producer.wait_for_room(), if self.waiting.is_some() => {
                    if let Some((letter, settle)) = self.waiting.take() {
                        self.send(letter, settle);
                    }
                }
                command = commands.recv(), if self.waiting.is_none() => match command {
                    Some(Command::Send(letter, settle)) => self.send(letter, settle),
                    Some(Command::Close(timeout)) => break timeout,
                    None => break Duration::ZERO,
                }
            }
        };
        // Letters that come now find nobody, and whoever sent them hears of it.
        drop(commands);
        let (topic, metrics) = (self.topic, self.metrics);
        if let Err(error) = self.producer.close(timeout).await {
            tracing::warn!("closing the producer of dead letter queue {topic}: {error}");
        }
        let mut sent = self.sent;
        while let Some(batch) = deliveries.recv().await {
            for delivery in &batch {
                if let Some(sent) = sent.remove(&delivery.token) {
                    settle(&topic, &metrics, &self.in_flight, sent, delivery);
                }
            }
        }
    }

    fn send(&mut self, letter: DeadLetter, settle: Settle) {
        let headers: Vec<ProducerHeader<'_>> = letter
            .headers
            .iter()
            .map(|header| ProducerHeader {
                key: &header.key,
                value: header.value.as_deref(),
            })
            .collect();
        let token = self.next_token;
        let outcome = self.producer.send(ProducerRecord {
            topic: &self.topic,
            partition: None,
            key: letter.key.as_deref(),
            value: letter.value.as_deref(),
            headers: &headers,
            timestamp_ms: letter.timestamp_ms,
            token,
        });
        drop(headers);
        match outcome {
            Ok(()) => {
                self.next_token += 1;
                let sent = Sent {
                    num_bytes: letter.num_bytes(),
                    place: letter.place,
                    settle,
                };
                self.sent.insert(token, sent);
            }
            Err(SendError::QueueFull) => self.waiting = Some((letter, settle)),
            Err(error) => {
                let sent = Sent {
                    num_bytes: letter.num_bytes(),
                    place: letter.place,
                    settle,
                };
                sent.failed(
                    &self.topic,
                    &self.metrics,
                    &self.in_flight,
                    send_error(&error),
                );
            }
        }
    }

    fn on_deliveries(&mut self, batch: &[Delivery]) {
        for delivery in batch {
            if let Some(sent) = self.sent.remove(&delivery.token) {
                settle(&self.topic, &self.metrics, &self.in_flight, sent, delivery);
            }
        }
    }
}

fn settle(
    topic: &str,
    metrics: &TaskMetrics,
    in_flight: &InFlight,
    sent: Sent,
    delivery: &Delivery,
) {
    match delivery.result {
        Ok(_) => {
            in_flight.release(sent.num_bytes);
            sent.settle.settle(Ok(()));
        }
        Err(code) => sent.failed(topic, metrics, in_flight, delivery_error(code)),
    }
}

impl Sent {
    fn failed(self, topic: &str, metrics: &TaskMetrics, in_flight: &InFlight, cause: ConnectError) {
        metrics.errors().record_dead_letter_queue_produce_failed();
        let message = format!("Could not produce message to dead letter queue. topic={topic}");
        tracing::error!("{message} ({}): {cause}", self.place);
        in_flight.release(self.num_bytes);
        self.settle
            .settle(Err(ConnectError::fatal(message).with_cause(cause)));
    }
}
