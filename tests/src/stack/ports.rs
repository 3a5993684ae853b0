//! Free ports, and who listens on one.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;

use rand::RngExt;

/// Below what Linux gives to outgoing connections (from 32768): a server that is stopped for a while
/// must find its port free when it comes back.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// A port of 127.0.0.1 on which nothing listens, and which this process has not given out before.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut random = rand::rng();
    for _ in 0..1_000 {
        let port = random.random_range(RANGE);
        let mut given = GIVEN
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if !given.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            given.insert(port);
            return port;
        }
    }
    panic!("no free port of 127.0.0.1 in {RANGE:?} after 1000 tries");
}

/// Whether the process `pid` itself listens on `port`: another server may answer there.
pub fn listens(pid: u32, port: u16) -> bool {
    let sockets: BTreeSet<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .flat_map(|table| {
            fs::read_to_string(table)
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter_map(|line| {
            // sl local_address rem_address st ... uid timeout inode
            let columns: Vec<&str> = line.split_whitespace().collect();
            let (_, local_port) = columns.get(1)?.split_once(':')?;
            let is_listening = columns.get(3) == Some(&"0A");
            let is_the_port = u16::from_str_radix(local_port, 16) == Ok(port);
            (is_listening && is_the_port)
                .then(|| format!("socket:[{}]", columns.get(9).copied().unwrap_or_default()))
        })
        .collect();
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    descriptors
        .flatten()
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|target| {
            target
                .to_str()
                .is_some_and(|target| sockets.contains(target))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_of_a_port_is_told_from_a_bystander() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        let port = listener.local_addr().expect("address").port();
        assert!(listens(std::process::id(), port));
        assert!(!listens(1, port), "process 1 does not listen on our port");
        drop(listener);
        assert!(!listens(std::process::id(), port));
    }

    #[test]
    fn no_port_is_given_twice() {
        let ports: BTreeSet<u16> = (0..50).map(|_| free_port()).collect();
        assert_eq!(ports.len(), 50);
    }
}
