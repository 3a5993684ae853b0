//! Fencing of zombies: producers of earlier tasks of an exactly-once source (KIP-618).
//!
//! Before such a source starts its tasks, the leader sees to it that the tasks of the set of
//! configurations before can write nothing more, and notes for how many tasks producers may come up now.

use super::requests::{MAX_DEFERRED, NO_LEADER, not_found, type_of};
use super::{Core, Effect, RequestId, Response, View, Write, WriteReason};
use crate::face::{HerderError, HerderResult};
use connect_api::config::ConfigMap;
use connect_store::ConnectorTaskId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A round of fencing, as effects and outcomes name it: an outcome of an older round tells nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FencingRound {
    pub(crate) connector: String,
    number: u64,
}

/// The rounds that are under way, one for each connector at most.
#[derive(Default)]
pub(super) struct Fencings {
    active: BTreeMap<String, Fencing>,
    num_rounds: u64,
}

struct Fencing {
    number: u64,
    stage: Stage,
    /// Who wants to know of the end.
    waiting: Vec<RequestId>,
}

#[derive(Clone, Copy)]
enum Stage {
    /// The config topic is read to its end, then it shows what is to be done.
    Reading,
    /// Producers are being fenced; then the config topic is read once more.
    Fencing { generation: i32, num_tasks: i32 },
    /// The number of tasks is being written.
    Recording,
}

impl Fencings {
    fn stage(&mut self, round: &FencingRound) -> Option<&mut Stage> {
        let fencing = self.active.get_mut(&round.connector)?;
        (fencing.number == round.number).then_some(&mut fencing.stage)
    }

    fn end(&mut self, connector: &str, outcome: &HerderResult<()>, effects: &mut Vec<Effect>) {
        let Some(fencing) = self.active.remove(connector) else {
            return;
        };
        if let Err(error) = outcome {
            tracing::warn!(connector, "Failed to perform zombie fencing: {error}");
        }
        for id in fencing.waiting {
            let reply = outcome.clone().map(|()| Response::Done);
            effects.push(Effect::Reply(id, reply));
        }
    }
}

/// The number of sets of task configurations that were applied, from 0; -1 for none.
pub(super) fn generation_of(connector: &str, view: &View<'_>) -> i32 {
    let generation = view.configs.task_config_generation(connector);
    generation.unwrap_or(-1)
}

impl Core {
    pub(super) fn fence_zombies(
        &mut self,
        id: RequestId,
        connector: &str,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) -> HerderResult<()> {
        self.require_leader("Only the leader may perform zombie fencing.")?;
        if !view.configs.contains(connector) {
            return Err(not_found(connector));
        }
        if type_of(connector, view) != "source" {
            return Err(HerderError::bad_request(format!(
                "Connector {connector} is not a source connector"
            )));
        }
        if let Some(fencing) = self.fencings.active.get_mut(connector) {
            if fencing.waiting.len() >= MAX_DEFERRED {
                return Err(HerderError::conflict(NO_LEADER));
            }
            fencing.waiting.push(id);
            return Ok(());
        }
        let number = self.fencings.num_rounds;
        self.fencings.num_rounds += 1;
        self.fencings.active.insert(
            connector.to_string(),
            Fencing {
                number,
                stage: Stage::Reading,
                waiting: vec![id],
            },
        );
        effects.push(Effect::RefreshToFence {
            round: FencingRound {
                connector: connector.to_string(),
                number,
            },
            timeout: self.config.sync_timeout,
        });
        Ok(())
    }

    /// The config topic was read to its end for a round.
    pub(super) fn on_refreshed_to_fence(
        &mut self,
        round: FencingRound,
        result: Result<(), String>,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(stage) = self.fencings.stage(&round).copied() else {
            return;
        };
        let connector = round.connector.clone();
        let next = match result {
            Err(reason) => Err(HerderError::internal(format!(
                "Failed to read to end of config topic before performing zombie fencing: {reason}"
            ))),
            Ok(()) => self
                .require_leader("Only the leader may perform zombie fencing.")
                .and_then(|()| match stage {
                    Stage::Fencing {
                        generation,
                        num_tasks,
                    } => self.record_after_fencing(&round, generation, num_tasks, view, effects),
                    Stage::Reading | Stage::Recording => self.fence_or_record(round, view, effects),
                }),
        };
        match next {
            Ok(true) => {}
            Ok(false) => self.fencings.end(&connector, &Ok(()), effects),
            Err(error) => self.fencings.end(&connector, &Err(error), effects),
        }
    }

    /// What is to be done by what was read; whether it takes time.
    fn fence_or_record(
        &mut self,
        round: FencingRound,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) -> HerderResult<bool> {
        let connector = round.connector.clone();
        let Some(config) = view.configs.raw_connector_config(&connector) else {
            return Err(not_found(&connector));
        };
        if !view.configs.is_pending_fencing(&connector) {
            tracing::debug!(
                connector,
                "Skipping zombie fencing round for connector {connector} as all old task generations \
                 have already been fenced out"
            );
            return Ok(false);
        }
        let num_tasks = view.configs.task_count(&connector);
        match view.configs.task_count_record(&connector) {
            // No producer has ever come up.
            None => self.record(round, num_tasks, effects),
            // The task that comes takes over from the one that was.
            Some(1) if num_tasks == 1 => self.record(round, num_tasks, effects),
            Some(num_before) => {
                let config = config.clone();
                self.begin_fencing(round, config, num_before, num_tasks, view, effects);
            }
        }
        Ok(true)
    }

    fn begin_fencing(
        &mut self,
        round: FencingRound,
        config: Arc<ConfigMap>,
        num_before: i32,
        num_tasks: i32,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let generation = generation_of(&round.connector, view);
        if let Some(stage) = self.fencings.stage(&round) {
            *stage = Stage::Fencing {
                generation,
                num_tasks,
            };
        }
        effects.push(Effect::FenceProducers {
            round,
            config,
            num_tasks: num_before,
        });
    }

    /// The producers of a round are fenced, or could not be.
    pub(super) fn on_producers_fenced(
        &mut self,
        round: FencingRound,
        result: Result<(), String>,
        effects: &mut Vec<Effect>,
    ) {
        if self.fencings.stage(&round).is_none() {
            return;
        }
        match result {
            Ok(()) => effects.push(Effect::RefreshToFence {
                round,
                timeout: self.config.sync_timeout,
            }),
            Err(reason) => {
                let error =
                    HerderError::internal(format!("Failed to perform zombie fencing: {reason}"));
                self.fencings.end(&round.connector, &Err(error), effects);
            }
        }
    }

    fn record_after_fencing(
        &mut self,
        round: &FencingRound,
        generation: i32,
        num_tasks: i32,
        view: &View<'_>,
        effects: &mut Vec<Effect>,
    ) -> HerderResult<bool> {
        if generation < generation_of(&round.connector, view) {
            return Err(HerderError::conflict(
                "Fencing failed because new task configurations were generated for the connector",
            ));
        }
        self.record(round.clone(), num_tasks, effects);
        Ok(true)
    }

    fn record(&mut self, round: FencingRound, num_tasks: i32, effects: &mut Vec<Effect>) {
        if let Some(stage) = self.fencings.stage(&round) {
            *stage = Stage::Recording;
        }
        let write = Write::TaskCount {
            connector: round.connector.clone(),
            num_tasks,
        };
        effects.push(Effect::Write(WriteReason::TaskCount(round), write));
    }

    pub(super) fn on_task_count_written(
        &mut self,
        round: &FencingRound,
        result: HerderResult<()>,
        effects: &mut Vec<Effect>,
    ) {
        if self.fencings.stage(round).is_some() {
            self.fencings.end(&round.connector, &result, effects);
        }
    }

    /// There are new configurations of tasks: what is being fenced is not what must be fenced now.
    pub(super) fn give_up_fencing(&mut self, connector: &str, effects: &mut Vec<Effect>) {
        let error = HerderError::conflict(
            "Failed to complete zombie fencing because a new set of task configs was generated",
        );
        self.fencings.end(connector, &Err(error), effects);
    }

    /// Whether a task that has taken its transactional id over is still wanted here as it is.
    pub(super) fn verify_task(
        &self,
        task: &ConnectorTaskId,
        generation: i32,
        view: &View<'_>,
    ) -> HerderResult<()> {
        if generation != generation_of(&task.connector, view) {
            return Err(HerderError::internal(format!(
                "Cannot start source task {task} with exactly-once support as the connector has already \
                 generated a new set of task configs"
            )));
        }
        if !self.assignment.tasks.contains(task) {
            return Err(HerderError::internal(format!(
                "Cannot start source task {task} as it has already been revoked from this worker"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
