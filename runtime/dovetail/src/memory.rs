//! Gives memory back to the system once work is done.
//!
//! The allocator keeps what records took: a worker that has moved a file and lies idle would hold a
//! hundred megabytes for nothing.

use std::time::Duration;

/// How often to look. What is given back while records flow must be taken again, so not too often.
const INTERVAL: Duration = Duration::from_secs(30);
/// Less free memory than this is left to the allocator.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MIN_FREE_NUM_BYTES: usize = 4 << 20;

/// Runs as long as the process does.
pub async fn give_back_regularly() {
    loop {
        tokio::time::sleep(INTERVAL).await;
        // It may take some milliseconds for each hundred megabytes.
        let given_back = tokio::task::spawn_blocking(give_back).await;
        if let Ok(Some(num_bytes)) = given_back {
            tracing::debug!(num_bytes, "free memory was given back to the system");
        }
    }
}

/// Returns how many bytes were free, if that was worth it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() -> Option<usize> {
    // SAFETY: both functions only look at the allocator's own state, under its locks.
    unsafe {
        let num_free_bytes = libc::mallinfo2().fordblks;
        if num_free_bytes < MIN_FREE_NUM_BYTES {
            return None;
        }
        libc::malloc_trim(0);
        Some(num_free_bytes)
    }
}

/// Other allocators give back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() -> Option<usize> {
    None
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    fn resident_num_bytes() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kilobytes
            .and_then(|number| number.parse::<usize>().ok())
            .expect("a number of kB")
            * 1024
    }

    #[test]
    fn what_is_free_goes_back_to_the_system() {
        // Small blocks, and one behind them that stays: the allocator does not shrink by itself.
        let blocks: Vec<Box<[u8; 1024]>> = (0..65_536).map(|_| Box::new([1; 1024])).collect();
        let last = Box::new([1u8; 1024]);
        let full = resident_num_bytes();
        drop(blocks);
        assert!(give_back().is_some_and(|num_bytes| num_bytes > 32 << 20));
        let trimmed = resident_num_bytes();
        assert!(
            trimmed + (32 << 20) < full,
            "{trimmed} of {full} bytes are left"
        );
        drop(last);
    }
}
