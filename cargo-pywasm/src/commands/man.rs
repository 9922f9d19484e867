//! `cargo pywasm man DIR`.

use camino::Utf8PathBuf;
use clap::CommandFactory;

use crate::cli::Cli;
use crate::ctx::Ctx;
use crate::exit::Exit;

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
    clap_mangen::generate_to(Cli::command(), &dir)?;
    ctx.reporter.status("Wrote", format!("manual pages to {dir}"));
    Ok(Exit::Success)
}
