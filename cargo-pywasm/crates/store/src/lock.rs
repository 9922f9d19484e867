//! Locks: one writer at a time for each entry of the store.

use std::fs::{File, TryLockError};

use anyhow::Context;
use camino::Utf8PathBuf;
use pywasm_session::Reporter;

use crate::{Bucket, Store};

/// A held lock. The kernel releases it when this value is dropped or the process ends, so there are
/// no stale locks.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Store {
    /// Takes the lock `name`. Prints a status line if it has to wait for another process.
    ///
    /// # Errors
    /// When the lock file cannot be created or the file system does not support locks.
    pub fn lock(&self, name: &str, reporter: &Reporter) -> anyhow::Result<Lock> {
        Lock::take(self.ensure(Bucket::Locks)?.join(format!("{name}.lock")), name, reporter)
    }
}

impl Lock {
    /// Takes the lock at `path`. Prints a status line with `name` if it has to wait for another
    /// process.
    ///
    /// # Errors
    /// When the lock file cannot be created or the file system does not support locks.
    pub fn take(path: Utf8PathBuf, name: &str, reporter: &Reporter) -> anyhow::Result<Self> {
        let failed = || format!("cannot lock `{path}`");
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let file = file.with_context(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                reporter.status("Waiting", format!("for another process that uses {name}"));
                file.lock().with_context(failed)?;
            }
            Err(TryLockError::Error(source)) => return Err(source).with_context(failed),
        }
        Ok(Self { file })
    }

    /// Returns a file handle to use as the (empty) standard input of a child process. The lock is
    /// then held until the child and its own children have exited, even if this process is killed.
    ///
    /// # Errors
    /// When the process has no free file descriptor.
    pub fn share(&self) -> std::io::Result<File> {
        self.file.try_clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_process_waits_for_the_first() {
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
        // The second thread cannot take the lock during this pause, however long it is.
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!second.is_finished());
        drop(first);
        let (lines, _lock) = second.join().unwrap();
        assert!(lines[0].contains("Waiting for another process"), "{lines:?}");
    }
}
