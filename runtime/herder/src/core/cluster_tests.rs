//! A simulation of a cluster: up to nine workers, a group coordinator, topics, the network between them
//! and clients, all driven by a seed.
//!
//! Workers die, also in the middle of a write, hang, lose the network, leave and come back; answers are
//! lost; connectors are made, changed, stopped and deleted meanwhile, through any worker. No connector or
//! task ever runs on two workers of one generation. Once the faults are over, within a bounded time all
//! that is configured runs once, with the configurations that are stored; the statuses say so; and no
//! change that was confirmed is lost.
//!
//! `DOVETAIL_CLUSTER_SEEDS=0..1000000` runs other seeds, `DOVETAIL_CLUSTER_SEED=17` one, and tells all
//! that happens.

mod broker;
mod checks;
mod faults;
mod membership;
mod requests;
mod statuses;
mod worker;
mod world;

use super::Request;
use connect_api::config::ConfigMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use world::World;

const NUM_SEEDS: u64 = 2_000;

/// The stores bound their waiting by the clock of a runtime; nothing waits here.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime needs nothing")
}

fn simulate(seed: u64, traces: bool) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let mut world = World::new(seed);
    world.traces = traces;
    world.run();
}

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("DOVETAIL_CLUSTER_SEEDS") else {
        return 0..NUM_SEEDS;
    };
    let (from, to) = text
        .split_once("..")
        .expect("DOVETAIL_CLUSTER_SEEDS is a range such as 0..1000000");
    from.parse().expect("a number")..to.parse().expect("a number")
}

#[test]
fn a_cluster_settles_whatever_happens() {
    if let Ok(seed) = std::env::var("DOVETAIL_CLUSTER_SEED") {
        simulate(
            seed.parse().expect("DOVETAIL_CLUSTER_SEED is a number"),
            true,
        );
        return;
    }
    let seeds = seeds();
    let next = AtomicU64::new(seeds.start);
    let num_threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..num_threads)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds.end {
                            return;
                        }
                        let outcome = std::panic::catch_unwind(|| simulate(seed, false));
                        if let Err(payload) = outcome {
                            // The others need not go on.
                            next.store(u64::MAX / 2, Ordering::Relaxed);
                            eprintln!("seed {seed} fails: DOVETAIL_CLUSTER_SEED={seed} replays it");
                            std::panic::resume_unwind(payload);
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            if let Err(payload) = thread.join() {
                std::panic::resume_unwind(payload);
            }
        }
    });
}

fn put_config(connector: &str, num_tasks: usize) -> Request {
    let num_tasks = num_tasks.to_string();
    Request::PutConnectorConfig {
        connector: connector.to_string(),
        config: ConfigMap::from_iter([
            ("connector.class", "C"),
            ("tasks.max", num_tasks.as_str()),
            ("version", "1"),
        ]),
        initial_state: None,
        replace: false,
    }
}

/// Three workers with three connectors of four tasks.
fn three_workers(max_delay: Duration) -> World {
    let mut world = World::calm(3, max_delay);
    world.settle_within(Duration::from_mins(1));
    for (worker, connector) in ["a", "b", "c"].into_iter().enumerate() {
        world.send(worker, put_config(connector, 4));
    }
    world.settle_within(Duration::from_mins(2));
    for worker in &world.workers {
        assert_eq!(worker.running_connectors.len(), 1);
        assert_eq!(worker.running_tasks.len(), 4);
    }
    world
}

fn num_running_tasks(world: &World) -> usize {
    let workers = world.workers.iter().filter(|worker| worker.is_alive);
    workers.map(|worker| worker.running_tasks.len()).sum()
}

#[test]
fn the_work_of_a_worker_that_leaves_in_order_is_not_held_back() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let max_delay = Duration::from_mins(5);
    for worker in 0..3 {
        let mut world = three_workers(max_delay);
        let start = world.now;
        world.shut_down(worker);
        while world.workers[worker].is_alive {
            world.step();
        }
        world.settle_within(Duration::from_secs(20));
        let taken = world.now - start;
        assert_eq!(num_running_tasks(&world), 12);
        // As long as the others need to hear of it, and to start; far from the delay.
        assert!(taken < Duration::from_secs(15), "{taken:?}");

        // Who dies instead is waited for, unless it led: nobody else knows what it had.
        let mut world = three_workers(max_delay);
        let group = &world.workers[worker].group;
        let has_led = group.member_id.as_ref() == Some(&group.leader_id);
        world.kill(worker, false);
        let taken = world.settle_within(max_delay * 2);
        assert_eq!(taken > max_delay, !has_led, "{taken:?}");
        assert_eq!(num_running_tasks(&world), 12);
    }
}
