//! Build commands. Each command runs with an explicit environment and writes a numbered log. The
//! error for a failed command shows the end of its log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};

use camino::{Utf8Path, Utf8PathBuf};

use pywasm_store::Lock;

/// The number of log lines that an error shows.
const TAIL_LINES: usize = 20;
/// The number of bytes that are read from the end of a log to find its last lines.
const TAIL_BYTES: u64 = 64 * 1024;

/// A build command. It runs with exactly the environment variables in `env`.
#[derive(Clone, Debug)]
pub struct Step {
    /// The step's name in errors and in the log's file name, such as `configure`.
    pub name: &'static str,
    /// The absolute path of the program.
    pub program: Utf8PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// Its working directory.
    pub cwd: Utf8PathBuf,
}

/// The log directory of one build.
#[derive(Debug)]
pub struct Logs {
    dir: Utf8PathBuf,
    next: AtomicUsize,
    /// The build's lock. Commands inherit the lock, because a command that outlives this process
    /// can still write to the build directory.
    lock: File,
}

/// The error of a step.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The program could not be started.
    #[error("cannot run `{program}` for step `{step}`")]
    Start {
        /// The step's name.
        step: &'static str,
        /// The program.
        program: Utf8PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The log could not be written or read.
    #[error("cannot write the log `{log}` for step `{step}`")]
    Log {
        /// The step's name.
        step: &'static str,
        /// The log file.
        log: Utf8PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The program failed.
    #[error(
        "step `{step}` failed: `{program}` ended with {status}; the log `{log}` ends with:\n{tail}"
    )]
    Failed {
        /// The step's name.
        step: &'static str,
        /// The program.
        program: Utf8PathBuf,
        /// The exit status or signal with which the program ended.
        status: String,
        /// The log file.
        log: Utf8PathBuf,
        /// The last lines of the log.
        tail: String,
    },
}

impl Logs {
    /// Creates an empty log directory for the build that `lock` guards. Deletes the logs of earlier
    /// runs.
    ///
    /// # Errors
    /// When the directory cannot be created or emptied.
    pub fn fresh(dir: &Utf8Path, lock: &Lock) -> anyhow::Result<Self> {
        if dir.exists() {
            fs_err::remove_dir_all(dir)?;
        }
        fs_err::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned(), next: AtomicUsize::new(1), lock: lock.share()? })
    }

    /// Returns the path of the next log, such as `03-configure.log`.
    #[must_use]
    pub fn next(&self, name: &str) -> Utf8PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.dir.join(format!("{number:02}-{name}.log"))
    }

    /// Returns the log directory.
    #[must_use]
    pub fn dir(&self) -> &Utf8Path {
        &self.dir
    }
}

impl Step {
    /// Runs the command and writes its output to the next log.
    ///
    /// # Errors
    /// When the command cannot be started, its log cannot be written, or the command fails.
    pub fn run(&self, logs: &Logs) -> Result<(), StepError> {
        let path = logs.next(self.name);
        let log_error = |source| StepError::Log { step: self.name, log: path.clone(), source };
        let mut log = File::create(&path).map_err(log_error)?;
        self.write_header(&mut log).map_err(log_error)?;
        let status = Command::new(&self.program)
            .args(&self.args)
            .env_clear()
            .envs(&self.env)
            .current_dir(&self.cwd)
            .stdin(logs.lock.try_clone().map_err(log_error)?)
            .stdout(log.try_clone().map_err(log_error)?)
            .stderr(log)
            .status()
            .map_err(|source| StepError::Start {
                step: self.name,
                program: self.program.clone(),
                source,
            })?;
        if status.success() {
            return Ok(());
        }
        Err(StepError::Failed {
            step: self.name,
            program: self.program.clone(),
            status: describe(status),
            tail: tail(&path).map_err(log_error)?,
            log: path,
        })
    }

    /// Writes the working directory, environment and arguments, so that a user can repeat the
    /// command.
    fn write_header(&self, log: &mut impl Write) -> std::io::Result<()> {
        writeln!(log, "# directory: {}", self.cwd)?;
        for (name, value) in &self.env {
            writeln!(log, "# environment: {name}={value}")?;
        }
        writeln!(log, "# program: {}", self.program)?;
        for arg in &self.args {
            writeln!(log, "# argument: {arg}")?;
        }
        writeln!(log)
    }
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return format!("signal {signal}");
        }
    }
    status.code().map_or_else(|| "no exit status".to_owned(), |code| format!("exit status {code}"))
}

/// Returns the last lines of a log, which may be large and contain invalid UTF-8.
fn tail(path: &Utf8Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(TAIL_LINES);
    Ok(lines[first..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pywasm_session::Reporter;
    use pywasm_store::Store;

    fn shell(script: &str, dir: &Utf8Path) -> Step {
        Step {
            name: "try",
            program: "/bin/sh".into(),
            args: vec!["-c".to_owned(), script.to_owned()],
            env: [("LISTED".to_owned(), "yes".to_owned())].into(),
            cwd: dir.to_owned(),
        }
    }

    fn store(dir: &Utf8Path) -> Store {
        Store::at(&dir.join("store"))
    }

    fn scratch() -> (tempfile::TempDir, Utf8PathBuf, Logs) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(dir.path().to_path_buf()).unwrap();
        let lock = store(&path).lock("build", &Reporter::captured()).unwrap();
        let logs = Logs::fresh(&path.join("logs"), &lock).unwrap();
        (dir, path, logs)
    }

    #[test]
    fn failed_step_shows_status_log_and_last_lines() {
        let (_dir, path, logs) = scratch();
        let error = shell("seq 1 100; exit 3", &path).run(&logs).unwrap_err();
        let StepError::Failed { status, log, tail, .. } = error else { panic!("{error}") };
        assert_eq!(status, "exit status 3");
        assert!(log.ends_with("logs/01-try.log"));
        let lines: Vec<&str> = tail.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[19]), (20, "81", "100"));
    }

    #[test]
    fn killed_step_names_the_signal() {
        let (_dir, path, logs) = scratch();
        let error = shell("kill -9 $$", &path).run(&logs).unwrap_err();
        assert!(error.to_string().contains("signal 9"), "{error}");
    }

    #[test]
    fn only_the_listed_environment_reaches_a_step() {
        let (_dir, path, logs) = scratch();
        shell("env > seen", &path).run(&logs).unwrap();
        let seen = fs_err::read_to_string(path.join("seen")).unwrap();
        let names: Vec<_> = seen
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, _)| name)
            // The shell sets these variables itself.
            .filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name))
            .collect();
        assert_eq!(names, ["LISTED"]);
    }

    #[test]
    fn surviving_child_keeps_the_lock() {
        let (_dir, path, logs) = scratch();
        // The command keeps running in the background until the file `done` exists. This
        // simulates `make`, which keeps running when its parent process is killed.
        let script = "exec 3<&0; (while ! [ -e done ]; do sleep 0.01; done) <&3 &";
        shell(script, &path).run(&logs).unwrap();
        drop(logs);
        let next = std::thread::spawn({
            let store = store(&path);
            move || drop(store.lock("build", &Reporter::captured()).unwrap())
        });
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!next.is_finished());
        fs_err::write(path.join("done"), "").unwrap();
        next.join().unwrap();
    }

    #[test]
    fn missing_program_is_named() {
        let (_dir, path, logs) = scratch();
        let step = Step { program: "/nowhere/make".into(), ..shell("", &path) };
        let error = step.run(&logs).unwrap_err();
        assert!(matches!(error, StepError::Start { .. }));
        assert!(error.to_string().contains("/nowhere/make"));
    }
}
