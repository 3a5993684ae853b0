//! A server as a child process: started, watched, stopped.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::{ports, run, wait};

/// How long a server may take to end after TERM before it gets KILL.
const TERM_PATIENCE: Duration = Duration::from_secs(20);

/// A running server. Dropping it kills its process group.
#[derive(Debug)]
pub struct ServerProcess {
    name: String,
    child: Child,
    log: PathBuf,
}

impl ServerProcess {
    /// Starts `command` in a process group of its own, with an empty log beside `folder`.
    pub fn start(name: &str, folder: &Path, mut command: Command) -> Self {
        let log = new_log(folder);
        let output = File::create(&log)
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", log.display()));
        let errors = output
            .try_clone()
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", log.display()));
        command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        let program = command.get_program().to_owned();
        let child = spawn(command)
            .unwrap_or_else(|error| panic!("cannot start {name} ({program:?}): {error}"));
        run::add_process_group(child.id());
        Self {
            name: name.to_owned(),
            child,
            log,
        }
    }

    /// The process id, which is the group's id too.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The file of everything the server printed since this start.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What the server printed since this start.
    pub fn log_text(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The exit status, if the server has ended.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until the log holds `line` and the child itself listens on `port`.
    pub async fn wait_ready_by_log(&mut self, line: &str, port: u16) {
        self.wait_ready(port, async |process| {
            match process.log_text().contains(line) {
                true => Ok(()),
                false => Err(format!("no `{line}` in its log")),
            }
        })
        .await;
    }

    /// Waits until `ready` is `Ok` and the child itself listens on `port`; fails at once if it ends before.
    pub async fn wait_ready(
        &mut self,
        port: u16,
        mut ready: impl AsyncFnMut(&ServerProcess) -> Result<(), String>,
    ) {
        let what = format!(
            "{} ready on 127.0.0.1:{port}, log {}",
            self.name,
            self.log.display()
        );
        wait::eventually(&what, async || {
            if let Some(status) = self.exit_status() {
                panic!(
                    "{} ended while starting ({status}). Its log {}:\n{}",
                    self.name,
                    self.log.display(),
                    self.log_end()
                );
            }
            ready(self).await?;
            match ports::listens(self.pid(), port) {
                true => Ok(()),
                false => Err(format!(
                    "process {} does not listen on port {port}",
                    self.pid()
                )),
            }
        })
        .await;
    }

    /// Waits until the server has ended by itself.
    pub async fn wait_exit(&mut self) -> ExitStatus {
        let what = format!("the end of {}, log {}", self.name, self.log.display());
        wait::eventually(&what, async || self.exit_status().ok_or("still running")).await
    }

    /// Stops with TERM, and with KILL if it has not ended in time; returns when it is gone.
    pub async fn terminate(mut self) {
        signal_group(self.pid(), libc::SIGTERM);
        let began = Instant::now();
        while self.exit_status().is_none() && began.elapsed() < TERM_PATIENCE {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops the server where it stands (STOP), as a machine does that is out of memory or suspended.
    pub fn pause(&self) {
        signal_group(self.pid(), libc::SIGSTOP);
    }

    /// Lets a paused server go on (CONT).
    pub fn resume(&self) {
        signal_group(self.pid(), libc::SIGCONT);
    }

    /// Ends with KILL, as `kill -9` does; returns when it is gone.
    pub fn kill9(self) {
        drop(self);
    }

    fn log_end(&self) -> String {
        let text = self.log_text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if self.exit_status().is_none() {
            signal_group(self.pid(), libc::SIGKILL);
            let _ = self.child.wait();
        }
        run::remove_process_group(self.pid());
        if thread::panicking() {
            eprintln!("The log of {} is {}", self.name, self.log.display());
        }
    }
}

/// Sends a signal to a process group that this process started.
pub(super) fn signal_group(id: u32, signal: libc::c_int) {
    if let Ok(id) = libc::pid_t::try_from(id) {
        // SAFETY: kill only takes numbers.
        unsafe { libc::kill(-id, signal) };
    }
}

/// Each start has a log of its own: a ready line of the start before must not be read as this one's.
fn new_log(folder: &Path) -> PathBuf {
    (1..)
        .map(|start: u32| folder.with_extension(format!("{start}.log")))
        .find(|log| !log.exists())
        .expect("one of endless names is free")
}

/// Spawns on a thread that lives as long as the process.
///
/// The kernel's parent-death signal, which ends the servers when the test process is killed, counts the
/// death of the spawning *thread*: libtest gives each test a thread that ends with it.
fn spawn(mut command: Command) -> io::Result<Child> {
    // SAFETY: between fork and exec only prctl is called, which is async-signal-safe.
    unsafe {
        command.pre_exec(
            || match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            },
        );
    }
    type Order = (Command, mpsc::Sender<io::Result<Child>>);
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in inbox {
                let _ = answer.send(command.spawn());
            }
        });
        orders
    });
    let (answer, child) = mpsc::channel();
    spawner
        .send((command, answer))
        .map_err(|_| io::Error::other("the spawning thread is gone"))?;
    child
        .recv()
        .map_err(|_| io::Error::other("the spawning thread is gone"))?
}
