//! Random traces of a cluster, decision by decision as the Java assignor decides.
//!
//! `golden/traces.txt` holds what `tests/java/AssignorGolden.java` printed: for each ten traces a hash of
//! all decisions. The world here is the same, down to the random numbers.

use super::cooperative::CooperativeAssignor;
use connect_kafka::group::protocol::ConnectorsAndTasks;
use connect_store::ConnectorTaskId;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

const TRACES_PER_HASH: u64 = 10;
const NUM_ROUNDS: usize = 14;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

struct Member {
    id: String,
    work: ConnectorsAndTasks,
}

struct World {
    random: Random,
    now_ms: u64,
    configs: BTreeMap<String, usize>,
    members: Vec<Member>,
    assignor: CooperativeAssignor,
    generation: i32,
    last_completed: i32,
    delay_ms: u64,
    num_names: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let max_delay_ms = [300_000, 300_000, 60_000, 0][random.below(4)];
        Self {
            random,
            now_ms: 1_000_000,
            configs: BTreeMap::new(),
            members: Vec::new(),
            assignor: CooperativeAssignor::new(Duration::from_millis(max_delay_ms)),
            generation: 0,
            last_completed: -1,
            delay_ms: 0,
            num_names: 0,
        }
    }

    fn name(&mut self, stem: &str) -> String {
        self.num_names += 1;
        format!(
            "{stem}-{:x}-{}",
            self.random.next() & 0xff_ffff,
            self.num_names
        )
    }

    fn join(&mut self) {
        let id = self.name("worker");
        self.members.push(Member {
            id,
            work: ConnectorsAndTasks::default(),
        });
    }

    fn create(&mut self) {
        let name = self.name("connector");
        let num_tasks = self.random.below(7);
        self.configs.insert(name, num_tasks);
    }

    fn any_connector(&mut self) -> String {
        let index = self.random.below(self.configs.len());
        self.configs
            .keys()
            .nth(index)
            .expect("an index below")
            .clone()
    }

    fn change(&mut self) {
        match self.random.below(12) {
            0 | 1 if self.members.len() < 20 => self.join(),
            2 | 3 if self.members.len() > 1 => {
                let index = self.random.below(self.members.len());
                self.members.remove(index);
            }
            4 if self.members.len() > 1 => {
                let index = self.random.below(self.members.len());
                self.members.remove(index);
                self.join();
            }
            5 | 6 => self.create(),
            7 if !self.configs.is_empty() => {
                let connector = self.any_connector();
                self.configs.remove(&connector);
            }
            8 if !self.configs.is_empty() => {
                let connector = self.any_connector();
                let num_tasks = self.random.below(9);
                self.configs.insert(connector, num_tasks);
            }
            9 => {
                let from = self.random.below(self.members.len());
                let to = self.random.below(self.members.len());
                if from != to
                    && let Some(task) = self.members[from].work.tasks.first().cloned()
                {
                    self.members[to].work.tasks.push(task);
                }
            }
            _ => {}
        }
    }

    fn configured(&self) -> ConnectorsAndTasks {
        let mut configured = ConnectorsAndTasks::default();
        for (connector, num_tasks) in &self.configs {
            let connector: Arc<str> = connector.as_str().into();
            for task in 0..*num_tasks {
                configured.tasks.push(ConnectorTaskId {
                    connector: connector.clone(),
                    task: task as i32,
                });
            }
            configured.connectors.push(connector);
        }
        configured
    }

    fn round(&mut self) -> String {
        for _ in 0..=self.random.below(3) {
            self.change();
        }
        match self.random.below(4) {
            0 => self.now_ms += self.delay_ms,
            1 => self.now_ms += self.random.below(200_000) as u64,
            2 => self.now_ms += self.random.below(50) as u64,
            _ => {}
        }
        self.generation += 1;
        let lost = self.random.below(20) == 0;
        let configured = self.configured();
        let members: Vec<(&str, ConnectorsAndTasks)> = self
            .members
            .iter()
            .map(|member| (member.id.as_str(), member.work.clone()))
            .collect();
        let round = self.assignor.assign(
            Duration::from_millis(self.now_ms),
            self.last_completed,
            self.generation,
            &configured,
            &members,
        );
        self.delay_ms = round.delay.as_millis() as u64;
        let mut text = format!("delay {}", self.delay_ms);
        for (member, share) in self.members.iter_mut().zip(round.shares) {
            let (assigned, revoked) = (share.assigned, share.revoked);
            let _ = write!(text, "; {}", member.id);
            for connector in &assigned.connectors {
                let _ = write!(text, " +{connector}");
            }
            for task in &assigned.tasks {
                let _ = write!(text, " +{task}");
            }
            let no_connectors: BTreeSet<&Arc<str>> = revoked.connectors.iter().collect();
            let no_tasks: BTreeSet<&ConnectorTaskId> = revoked.tasks.iter().collect();
            for connector in &no_connectors {
                let _ = write!(text, " -{connector}");
            }
            for task in &no_tasks {
                let _ = write!(text, " -{task}");
            }
            let deaf = self.random.below(15) == 0;
            if lost || deaf {
                continue;
            }
            member
                .work
                .connectors
                .retain(|connector| !no_connectors.contains(connector));
            member.work.tasks.retain(|task| !no_tasks.contains(task));
            member.work.connectors.extend(assigned.connectors);
            member.work.tasks.extend(assigned.tasks);
        }
        if !lost {
            self.last_completed = self.generation;
        }
        text.push('\n');
        text
    }

    fn trace(mut self) -> Vec<String> {
        for _ in 0..=self.random.below(5) {
            self.join();
        }
        for _ in 0..=self.random.below(4) {
            self.create();
        }
        (0..NUM_ROUNDS).map(|_| self.round()).collect()
    }
}

#[test]
fn decisions_are_those_of_java_in_twenty_thousand_traces() {
    let golden: Vec<&str> = include_str!("golden/traces.txt").lines().collect();
    assert_eq!(golden.len() as u64 * TRACES_PER_HASH, 20_000);
    for (block, expected) in golden.iter().enumerate() {
        let first = block as u64 * TRACES_PER_HASH;
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for seed in first..first + TRACES_PER_HASH {
            for unit in World::new(seed)
                .trace()
                .iter()
                .flat_map(|round| round.bytes())
            {
                hash = (hash ^ u64::from(unit)).wrapping_mul(0x100_0000_01b3);
            }
        }
        if format!("{hash:016x}") != *expected {
            for seed in first..first + TRACES_PER_HASH {
                println!("trace {seed}:\n{}", World::new(seed).trace().concat());
            }
            panic!(
                "a trace from {first} to {} differs: compare those above with \
                 `tests/java/run AssignorGolden trace SEED`",
                first + TRACES_PER_HASH - 1
            );
        }
    }
}
