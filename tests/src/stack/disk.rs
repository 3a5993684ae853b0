//! A file system that is soon full.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};

use super::run;

/// A file system of a few bytes, in memory, mounted on a folder of its own; unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one that holds `num_bytes`, rounded up to whole pages. Needs the right to mount (root).
    pub fn mount(num_bytes: u64) -> Self {
        let folder = run::server_folder("disk");
        mount_tmpfs(&folder, num_bytes).unwrap_or_else(|error| {
            panic!("cannot mount a tmpfs of {num_bytes} bytes on {}: {error}. Tests of a full disk run as root", folder.display())
        });
        run::add_mount(&folder);
        Self { folder }
    }

    /// Where it is mounted.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run::unmount(&self.folder);
    }
}

fn mount_tmpfs(folder: &Path, num_bytes: u64) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let target = CString::new(folder.as_os_str().as_bytes())?;
    let options = CString::new(format!("size={num_bytes}"))?;
    // SAFETY: all four are C strings that live through the call.
    let result = unsafe {
        libc::mount(
            c"tmpfs".as_ptr(),
            target.as_ptr(),
            c"tmpfs".as_ptr(),
            0,
            options.as_ptr().cast(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_full_after_its_bytes_and_gone_after_its_drop() {
        let disk = SmallDisk::mount(64 * 1024);
        let file = disk.folder().join("file");
        std::fs::write(&file, [0; 32 * 1024]).expect("half of it fits");
        let error = std::fs::write(&file, [0; 128 * 1024]).expect_err("twice of it does not fit");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        drop(disk);
        assert!(!file.exists());
    }
}
