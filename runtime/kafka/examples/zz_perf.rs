use connect_kafka::client_config::ClientProperties;
use connect_kafka::consumer::*;
use connect_kafka::log::*;
use connect_kafka::producer::*;
use std::time::{Duration, Instant};
fn cpu() -> f64 {
    let mut u: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut u) };
    u.ru_utime.tv_sec as f64
        + u.ru_utime.tv_usec as f64 / 1e6
        + u.ru_stime.tv_sec as f64
        + u.ru_stime.tv_usec as f64 / 1e6
}
#[tokio::main]
async fn main() {
    let a: Vec<String> = std::env::args().collect();
    let servers = &a[2];
    let t = Duration::from_secs(120);
    match a[1].as_str() {
        "produce" => {
            let n: u64 = a[4].parse().unwrap();
            let mut p = ClientProperties::connector_producer(servers, "perf");
            p.extend(a[5..].iter().filter_map(|s| s.split_once('=')));
            let mut producer: Box<dyn Producer> = Box::new(LibrdkafkaProducer::new(&p).unwrap());
            let mut d = producer.deliveries().unwrap();
            let value = vec![b'x'; 300];
            let (c, w) = (cpu(), Instant::now());
            let mut got = 0;
            for token in 0..n {
                loop {
                    match producer.send(ProducerRecord {
                        topic: &a[3],
                        partition: None,
                        key: None,
                        value: Some(&value),
                        headers: &[],
                        timestamp_ms: None,
                        token,
                    }) {
                        Ok(()) => break,
                        Err(SendError::QueueFull) => producer.wait_for_room().await,
                        Err(e) => panic!("{e}"),
                    }
                }
                if token % 500 == 0 {
                    while let Some(b) = d.try_recv() {
                        got += b.len();
                    }
                }
            }
            producer.flush(t).await.unwrap();
            while let Some(b) = d.try_recv() {
                got += b.len();
            }
            println!(
                "produced {got}: cpu {:.3} wall {:.3}",
                cpu() - c,
                w.elapsed().as_secs_f64()
            );
            producer.close(t).await.unwrap();
        }
        "consume" => {
            let n: usize = a[4].parse().unwrap();
            let mut p = ClientProperties::connector_consumer(
                servers,
                "perf",
                &format!("perf-{}", std::process::id()),
            );
            p.extend(a[5..].iter().filter_map(|s| s.split_once('=')));
            let (c, w) = (cpu(), Instant::now());
            let mut k: Box<dyn SinkConsumer> = Box::new(
                LibrdkafkaConsumer::new(
                    &p,
                    Subscription::Topics(vec![a[3].clone()]),
                    ConsumerSettings::default(),
                )
                .unwrap(),
            );
            let (mut got, mut bytes, mut batches) = (0, 0usize, 0);
            while got < n {
                match k.next().await {
                    ConsumerEvent::Records(b) => {
                        got += b.len();
                        batches += 1;
                        for r in b.iter() {
                            bytes += r.value().map_or(0, <[u8]>::len)
                        }
                    }
                    e => println!("{e:?}"),
                }
            }
            println!(
                "consumed {got} ({bytes} bytes, {batches} batches): cpu {:.3} wall {:.3}",
                cpu() - c,
                w.elapsed().as_secs_f64()
            );
            let w = Instant::now();
            let c = cpu();
            if let Some(s) = a.iter().find_map(|x| x.strip_prefix("idle=")) {
                let s: u64 = s.parse().unwrap();
                tokio::select!(_ = tokio::time::sleep(Duration::from_secs(s)) => {}, _ = k.next() => {});
                println!(
                    "idle: {:.4} % cpu over {:?}",
                    (cpu() - c) / w.elapsed().as_secs_f64() * 100.0,
                    w.elapsed()
                );
            }
            let w = Instant::now();
            k.close(t).await.unwrap();
            println!("closed in {:?}", w.elapsed());
        }
        "logs" => {
            let p = ClientProperties::from_iter([("bootstrap.servers", servers.as_str())]);
            let mut logs = Vec::new();
            let w = Instant::now();
            for name in &a[4..] {
                let log = KafkaLog::new(KafkaLogConfig {
                    topic: name.clone(),
                    producer: p.clone(),
                    consumer: p.clone(),
                });
                log.start(Box::new(drop)).await.unwrap();
                println!(
                    "{name}: {} partitions, started after {:?}",
                    log.num_partitions(),
                    w.elapsed()
                );
                logs.push(log);
            }
            for log in &logs {
                let w = Instant::now();
                log.send(Some("key".into()), Some("value".into()))
                    .await
                    .unwrap();
                println!("sent in {:?}", w.elapsed());
                let w = Instant::now();
                log.read_to_end(t).await.unwrap();
                println!("read to end in {:?}", w.elapsed());
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
            let c = cpu();
            let w = Instant::now();
            tokio::time::sleep(Duration::from_secs(a[3].parse().unwrap())).await;
            println!(
                "idle: {:.4} % cpu",
                (cpu() - c) / w.elapsed().as_secs_f64() * 100.0
            );
            println!(
                "{}",
                std::fs::read_to_string("/proc/self/status")
                    .unwrap()
                    .lines()
                    .filter(|l| l.starts_with("VmRSS") || l.starts_with("Threads"))
                    .collect::<Vec<_>>()
                    .join(" ")
            );
            for log in &logs {
                let w = Instant::now();
                log.stop().await;
                println!("stopped in {:?}", w.elapsed());
            }
        }
        _ => panic!(),
    }
}
