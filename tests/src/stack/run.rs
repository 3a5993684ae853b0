//! The one folder of a test process, and what is still running when it ends.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

/// What has to be undone when the test process ends.
#[derive(Default)]
struct Leftovers {
    process_groups: BTreeSet<u32>,
    mounts: BTreeSet<PathBuf>,
}

static FOLDER: OnceLock<PathBuf> = OnceLock::new();
static LEFTOVERS: Mutex<Leftovers> = Mutex::new(Leftovers {
    process_groups: BTreeSet::new(),
    mounts: BTreeSet::new(),
});
static FAILED: AtomicBool = AtomicBool::new(false);

/// The folder of this test process; made at the first call, gone after a run without a panic.
///
/// After a panic the logs in it stay, and their place is printed when the process ends.
pub fn folder() -> &'static Path {
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("dovetail-stack-{}", std::process::id()));
        fs::create_dir_all(&folder)
            .unwrap_or_else(|error| panic!("cannot make {}: {error}", folder.display()));
        let told_before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            FAILED.store(true, Ordering::Relaxed);
            told_before(panic);
        }));
        // SAFETY: the handler is a plain function that lives as long as the process.
        unsafe { libc::atexit(end_of_process) };
        folder
    })
}

/// A new empty folder for one server.
pub fn server_folder(name: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = folder().join(format!("{name}-{number}"));
    fs::create_dir_all(&folder)
        .unwrap_or_else(|error| panic!("cannot make {}: {error}", folder.display()));
    folder
}

pub(super) fn add_process_group(id: u32) {
    leftovers().process_groups.insert(id);
}

pub(super) fn remove_process_group(id: u32) {
    leftovers().process_groups.remove(&id);
}

pub(super) fn add_mount(point: &Path) {
    leftovers().mounts.insert(point.to_owned());
}

/// Takes the file system off its folder; used once per mount, here or at the end of the process.
pub(super) fn unmount(point: &Path) {
    if leftovers().mounts.remove(point) {
        detach(point);
    }
}

fn leftovers() -> MutexGuard<'static, Leftovers> {
    LEFTOVERS
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn detach(point: &Path) {
    if let Ok(path) = CString::new(point.as_os_str().as_bytes()) {
        // SAFETY: `path` is a C string that lives through the call.
        unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) };
    }
}

/// Servers shared by the tests of a process live in statics, which are never dropped: they end here.
extern "C" fn end_of_process() {
    let left = std::mem::take(&mut *leftovers());
    for group in &left.process_groups {
        super::process::signal_group(*group, libc::SIGKILL);
    }
    for mount in &left.mounts {
        detach(mount);
    }
    let Some(folder) = FOLDER.get() else { return };
    if !FAILED.load(Ordering::Relaxed) {
        let _ = fs::remove_dir_all(folder);
        return;
    }
    // The logs lie beside the folders of the servers, which hold nothing but data.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    eprintln!("The logs of the servers are in {}", folder.display());
}
