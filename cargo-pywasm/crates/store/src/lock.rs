//! One writer at a time for each entry of the store.

use std::fs::{File, TryLockError};

use camino::Utf8PathBuf;

use crate::Bucket;
use crate::Store;
use pywasm_session::Reporter;

/// A held lock. Dropping it, or the death of the process, lets it go: the kernel
/// keeps it, so there is no stale lock to remove by hand.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// The lock for a child process, as its standard input, where it finds nothing to read: while
    /// the child or one of its own lives, nobody else gets the lock, though this process be killed.
    ///
    /// # Errors
    /// When the system has no more file descriptors.
    pub fn share(&self) -> std::io::Result<File> {
        self.file.try_clone()
    }
}

/// Why a lock could not be had.
#[derive(Debug, thiserror::Error)]
#[error("can't lock `{path}`")]
pub struct LockError {
    path: Utf8PathBuf,
    source: std::io::Error,
}

impl Store {
    /// Waits for the lock `name` and takes it; says so when another process holds it.
    ///
    /// # Errors
    /// When the lock file can't be made or the file system can't lock.
    pub fn lock(&self, name: &str, reporter: &Reporter) -> anyhow::Result<Lock> {
        Lock::take(self.ensure(Bucket::Locks)?.join(format!("{name}.lock")), name, reporter)
    }
}

impl Lock {
    /// Waits for the lock at this path and takes it; says what somebody else works on.
    ///
    /// # Errors
    /// When the lock file can't be made or the file system can't lock.
    pub fn take(path: Utf8PathBuf, what: &str, reporter: &Reporter) -> anyhow::Result<Self> {
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let failed = |source| LockError { path: path.clone(), source };
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                reporter.status("Waiting", format!("for another process that works on {what}"));
                file.lock().map_err(failed)?;
            }
            Err(TryLockError::Error(source)) => return Err(failed(source).into()),
        }
        Ok(Self { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_two_waits_for_the_first_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().try_into().unwrap());
        let first = store.lock("x", &Reporter::captured()).unwrap();
        let second = std::thread::spawn({
            let store = store.clone();
            move || {
                let reporter = Reporter::captured();
                let lock = store.lock("x", &reporter).unwrap();
                (reporter.lines(), lock)
            }
        });
        // It can't have it before it is let go, however long that takes.
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!second.is_finished());
        drop(first);
        let (lines, _lock) = second.join().unwrap();
        assert!(lines[0].contains("Waiting for another process"), "{lines:?}");
    }
}
