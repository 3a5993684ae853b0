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
mod statuses;
mod worker;
mod world;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use world::World;

const NUM_SEEDS: u64 = 2_000;

fn simulate(seed: u64, traces: bool) {
    // The stores bound their waiting by the clock of a runtime; nothing waits here.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime needs nothing");
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
