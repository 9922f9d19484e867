//! Programs that were written a moment ago, and are run.

use std::io::{ErrorKind, Result};
use std::process::{Command, Output};
use std::time::Duration;

/// How long a program is held to be busy: far more than another thread has between fork and exec.
const PATIENCE: (u32, Duration) = (200, Duration::from_millis(10));

/// Runs a command whose program was just unpacked, and waits where it is still "busy".
///
/// A process that another thread starts meanwhile has, between its fork and its exec, all that is open
/// here, the program's own file for writing among it; the kernel runs no file that somebody may write
/// (ETXTBSY; golang/go#22315 has the story).
///
/// # Errors
/// When the program can't be run.
pub(super) fn run(command: &mut Command) -> Result<Output> {
    let (tries, pause) = PATIENCE;
    for _ in 1..tries {
        match command.output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(pause);
            }
            done => return done,
        }
    }
    command.output()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_still_open_for_writing_is_waited_for() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("true");
        fs_err::copy("/bin/true", &path).unwrap();
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let writer = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        let busy = Command::new(&path).output().unwrap_err();
        assert_eq!(busy.kind(), ErrorKind::ExecutableFileBusy);
        let closed = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            drop(writer);
        });
        assert!(run(&mut Command::new(&path)).unwrap().status.success());
        closed.join().unwrap();
    }
}
