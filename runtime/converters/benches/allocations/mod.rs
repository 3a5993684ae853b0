//! Time and allocations of a benchmark.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const NUM_ROUNDS: usize = 200;

/// The system's allocator, which counts.
struct Counting;

static NUM_ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        NUM_ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and `alloc` came from the system.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        NUM_ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`, and `alloc` came from the system.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

/// Prints the least time of all rounds for one record, and its allocations.
pub fn measure<T>(name: &str, records: &[T], mut convert: impl FnMut(&T)) {
    let mut least = f64::MAX;
    let before = NUM_ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..NUM_ROUNDS {
        let start = Instant::now();
        for record in records {
            convert(black_box(record));
        }
        let ns = start.elapsed().as_nanos() as f64 / records.len() as f64;
        least = least.min(ns);
    }
    let num_allocations = NUM_ALLOCATIONS.load(Ordering::Relaxed) - before;
    let num_records = (NUM_ROUNDS * records.len()) as f64;
    println!(
        "{name:<52} {least:>8.0} ns/record {:>8.2} allocations/record",
        num_allocations as f64 / num_records
    );
}
