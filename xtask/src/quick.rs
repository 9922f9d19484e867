//! `cargo xtask quick`: checks formatting and lints, and runs unit and command-line tests.

use xshell::Shell;

use crate::checks::Profile;
use crate::steps::Steps;
use crate::{checks, setup, tool};

pub(crate) fn run() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(tool::root());
    Steps::record(|steps| {
        // On other operating systems, contributors install the programs themselves.
        if cfg!(target_os = "linux") {
            steps.run("setup", || setup::run(&shell))?;
        }
        steps.run("format", || checks::format::run(&shell))?;
        steps.run("lints", || checks::lints::run(&shell, Profile::Dev))?;
        steps.run("tests", || checks::tests::run(&shell, Profile::Dev))
    })
}
