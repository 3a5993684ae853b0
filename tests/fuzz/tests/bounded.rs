//! Each target under some thousands of inputs, the same at each run: no panic, and memory in proportion.

use dovetail_fuzz::TARGETS;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

const NUM_INPUTS: u64 = 4_000;
const MAX_INPUT_BYTES: usize = 4_096;
/// Far above what a record of a few kilobytes needs, far below what a length taken at its word would cost.
const MAX_BYTES_IN_USE: usize = 64 * 1024 * 1024;

/// Counts the bytes in use and their peak.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let in_use = IN_USE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(in_use, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// An input made of a seed of the target: bytes changed, cut, doubled, or all random.
fn input(random: &mut StdRng, seeds: &[&[u8]]) -> Vec<u8> {
    const TELLING: [u8; 10] = [0, 1, 0x7f, 0x80, 0xff, b'{', b'[', b'"', b'$', b'\\'];
    let mut data = seeds[random.random_range(0..seeds.len())].to_vec();
    if random.random_ratio(1, 10) {
        data = (0..random.random_range(0..200))
            .map(|_| random.random::<u8>())
            .collect();
    }
    for _ in 0..random.random_range(0..6) {
        if data.is_empty() {
            break;
        }
        let at = random.random_range(0..data.len());
        match random.random_range(0..6) {
            0 => data[at] = random.random(),
            1 => data[at] = TELLING[random.random_range(0..TELLING.len())],
            2 => data.truncate(at),
            3 => data.insert(at, random.random()),
            4 => {
                let to = random.random_range(at..data.len());
                let part = data[at..=to].to_vec();
                let times = random.random_range(1..8);
                for _ in 0..times {
                    data.splice(at..at, part.iter().copied());
                }
            }
            _ => {
                let length = random.random_range(1..10).min(data.len() - at);
                data[at..at + length].fill(0xff);
            }
        }
    }
    data.truncate(MAX_INPUT_BYTES);
    data
}

#[test]
fn every_target_takes_any_bytes() {
    for (name, target, seeds) in TARGETS {
        for seed in *seeds {
            target(seed);
        }
        for number in 0..NUM_INPUTS {
            let data = input(&mut StdRng::seed_from_u64(number), seeds);
            let before = IN_USE.load(Ordering::Relaxed);
            PEAK.store(before, Ordering::Relaxed);
            if let Err(panic) = std::panic::catch_unwind(|| target(&data)) {
                eprintln!("{name}, input {number}: {data:02x?}");
                std::panic::resume_unwind(panic);
            }
            let peak = PEAK.load(Ordering::Relaxed) - before;
            assert!(
                peak <= MAX_BYTES_IN_USE,
                "{name} took {peak} bytes for input {number}: {data:02x?}"
            );
        }
    }
}

#[test]
fn every_target_has_its_file_for_cargo_fuzz() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("fuzz_targets")
        .flatten()
        .map(|file| file.file_name().to_string_lossy().replace(".rs", ""))
        .collect();
    files.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|(name, ..)| *name).collect();
    names.sort_unstable();
    assert_eq!(files, names);
}
