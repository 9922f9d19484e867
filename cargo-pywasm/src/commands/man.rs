//! `cargo pywasm man`: writes the manual pages.

use camino::Utf8PathBuf;

use crate::exit::Exit;
use pywasm_session::variables::DOCUMENTED;
use pywasm_store::Ctx;

/// Write the manual pages into a directory, such as ~/.local/share/man/man1
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory, created if missing
    dir: Utf8PathBuf,
}

/// Writes the manual pages for `command`, which defines the whole command line.
///
/// # Errors
/// When the directory cannot be written.
pub fn run(args: &Args, command: clap::Command, ctx: &Ctx) -> anyhow::Result<Exit> {
    let dir = ctx.cwd.join(&args.dir);
    fs_err::create_dir_all(&dir)?;
    clap_mangen::generate_to(command.after_long_help(extra()), &dir)?;
    ctx.reporter.status("Wrote", format!("manual pages to {dir}"));
    Ok(Exit::Success)
}

/// Returns the section of the main manual page that lists environment variables and exit codes.
fn extra() -> String {
    let mut text = String::from("Environment variables:\n\n");
    for (name, meaning) in DOCUMENTED {
        text.push_str(&format!("{name}: {meaning}\n\n"));
    }
    text.push_str(
        "Exit status: 0 on success; 1 if there are findings; 2 if the command fails or its arguments are \
         invalid. The `run` command exits with the program's own code, with 124 after --timeout, with 125 if \
         the --fuel limit is reached, and with 134 after a trap.",
    );
    text
}
