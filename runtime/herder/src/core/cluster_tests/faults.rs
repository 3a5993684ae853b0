//! What goes wrong.

use super::super::{ForwardError, Input};
use super::worker::{Act, Worker};
use super::world::{Event, World};
use bytes::Bytes;
use connect_store::ConfigStore;
use rand::RngExt;
use rand::seq::IndexedRandom;
use std::time::Duration;

impl World {
    pub(super) fn fault(&mut self) {
        let worker = self.rng.random_range(0..self.workers.len());
        if !self.workers[worker].is_alive {
            return;
        }
        match self.rng.random_range(0..14) {
            10..=13 => self.fail_something(worker),
            0..=2 => self.kill(worker, true),
            3 => self.die_while_writing(worker),
            4 => self.shut_down(worker),
            5 | 6 => {
                let time = self.random_ms(1_000, 40_000);
                self.workers[worker].hangs_until = self.now + time;
            }
            _ => {
                self.workers[worker].is_cut_off = true;
                let time = self.random_ms(500, 30_000);
                self.at(self.now + time, Event::Reconnect { worker });
            }
        }
    }

    /// The worker ends in order, with or without the time to hand its work over.
    pub(super) fn shut_down(&mut self, worker: usize) {
        let life = self.workers[worker].life;
        self.soon(4_000, 4_000, Event::End { worker, life });
        self.feed(worker, Input::Leave);
    }

    pub(super) fn end(&mut self, worker: usize) {
        self.workers[worker].stop_all();
        self.leave(worker);
        self.kill(worker, self.faults);
    }

    /// A connector or a task of the worker fails, if that restarts by itself.
    fn fail_something(&mut self, worker: usize) {
        let one = &mut self.workers[worker];
        let connectors = one.running_connectors.keys();
        let connectors = connectors.map(|connector| (connector.clone(), None));
        let tasks = one.running_tasks.keys();
        let tasks = tasks.map(|task| (task.connector.to_string(), Some(task.clone())));
        let subjects: Vec<_> = connectors.chain(tasks).collect();
        let Some((connector, task)) = subjects.choose(&mut self.rng).cloned() else {
            return;
        };
        if one.may_fail(&connector) {
            let act = one.fail(&connector, task.as_ref());
            let life = one.life;
            self.act(worker, life, act);
        }
    }

    /// Half of a set of task configurations is on the topic when the worker dies.
    pub(super) fn die_while_writing(&mut self, worker: usize) {
        let state = self.workers[worker].store().snapshot();
        let connector = state.connectors().next().map(str::to_string);
        if let Some(connector) = connector
            && !self.workers[worker].is_cut_off
        {
            let key = format!("task-{connector}-0");
            let value = r#"{"properties":{"connector.class":"C","version":"half"}}"#;
            self.topic.append(
                0,
                Some(key.into()),
                Some(Bytes::from_static(value.as_bytes())),
            );
            let life = self.workers[worker].life;
            self.act(worker, life, Act::Wrote);
        }
        self.kill(worker, true);
    }

    pub(super) fn kill(&mut self, worker: usize, may_return: bool) {
        let one = &mut self.workers[worker];
        one.is_alive = false;
        one.running_connectors.clear();
        one.running_tasks.clear();
        // The workers that it had forwarded to, or that had forwarded to it, see the connection end.
        let broken: Vec<u64> = self.relayed.keys().copied().collect();
        for id in broken {
            let (from, life, connector) = self.relayed.remove(&id).expect("it was just seen");
            let error = ForwardError {
                is_forbidden: false,
                message: "reset by peer".into(),
            };
            self.tell_of_forward(from, life, connector, Err(error));
        }
        let num_alive = self.workers.iter().filter(|worker| worker.is_alive).count();
        if num_alive == 0 || (may_return && self.rng.random_ratio(2, 3)) {
            self.soon(100, 40_000, Event::Restart { worker });
        }
    }

    pub(super) fn restart(&mut self, worker: usize) {
        if self.workers[worker].is_alive {
            return;
        }
        let life = self.workers[worker].life + 1;
        self.workers[worker] = Worker::start(
            worker,
            life,
            &self.settings[worker],
            &self.topic,
            &self.statuses,
        );
        self.begin(worker);
    }

    pub(super) fn heal(&mut self) {
        self.faults = false;
        for worker in &mut self.workers {
            worker.is_cut_off = false;
            worker.hangs_until = Duration::ZERO;
        }
        self.soon(1_000, 1_000, Event::Check);
    }
}
