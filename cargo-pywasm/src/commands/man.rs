//! `cargo pywasm man DIR`.

use camino::Utf8PathBuf;
use clap::CommandFactory;

use crate::cli::Cli;
use crate::exit::Exit;
use pywasm_session::variables::DOCUMENTED;
use pywasm_store::Ctx;

/// Write the manual pages into a directory, such as ~/.local/share/man/man1
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory, which is made when it is missing
    dir: Utf8PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When the directory can't be written.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let dir = ctx.cwd.join(&args.dir);
    fs_err::create_dir_all(&dir)?;
    clap_mangen::generate_to(Cli::command().after_long_help(extra()), &dir)?;
    ctx.reporter.status("Wrote", format!("manual pages to {dir}"));
    Ok(Exit::Success)
}

/// What no type of the command line knows, for the first page.
fn extra() -> String {
    let mut text = String::from("Environment variables:\n\n");
    for (name, meaning) in DOCUMENTED {
        text.push_str(&format!("{name}: {meaning}\n\n"));
    }
    text.push_str(
        "Exit status: 0 when it is done; 1 when it is done and there are findings; 2 when it could \
         not be done or was not understood. run passes on what the program exits with, and exits \
         with 124 when --timeout was over, 125 when --fuel was used up and 134 after a trap.",
    );
    text
}
