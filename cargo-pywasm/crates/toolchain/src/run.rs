//! Runs programs of a toolchain, including programs that have only just been unpacked.

use std::io::{ErrorKind, Result};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::Context;
use camino::Utf8Path;
use pywasm_session::variables::PATH;

/// The number of attempts to run a program whose file is busy, and the pause between them. All
/// attempts together last much longer than another thread needs between fork and exec (see
/// [`run`]).
const ATTEMPTS: (u32, Duration) = (200, Duration::from_millis(10));

/// Runs a program with a minimal environment and returns its standard output.
///
/// # Errors
/// When the program cannot be run or fails. The error for a failed program contains what it printed
/// to stderr.
pub(super) fn call(program: &Utf8Path, args: &[&str], dir: &Utf8Path) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).env_clear().env("LC_ALL", "C").env(PATH, "/usr/bin:/bin");
    let output = run(&mut command).with_context(|| format!("cannot run `{program}`"))?;
    anyhow::ensure!(
        output.status.success(),
        "`{program} {}` failed:\n{}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command, and retries while the program's file is busy, which can happen if it has only
/// just been written.
///
/// Between fork and exec, a child process that another thread started inherits all open files of
/// this process. One of these files may be the program's file, open for writing. The kernel does
/// not run a file that is open for writing (ETXTBSY): <https://github.com/golang/go/issues/22315>.
fn run(command: &mut Command) -> Result<Output> {
    let (attempts, pause) = ATTEMPTS;
    for _ in 1..attempts {
        match command.output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(pause);
            }
            result => return result,
        }
    }
    command.output()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn program_that_is_open_for_writing_is_retried() {
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
