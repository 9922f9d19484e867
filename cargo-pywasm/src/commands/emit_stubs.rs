//! `cargo pywasm emit-stubs`: writes stubs for undefined symbols and for imports.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use glob::Pattern;
use pywasm_stubs::{Behaviour, Member, Rules, Stubs, SymbolKind, TrapReporter, is_libc_symbol};
use serde::Deserialize;

use super::audit_imports::{link_set, policy};
use crate::config::{Selection, Workspace};
use crate::exit::Exit;
use crate::installed;
use pywasm_audit::{Content, Input, Policy};
use pywasm_rewrite as rewrite;
use pywasm_session::WithHint;
use pywasm_store::Ctx;
use pywasm_wasm::Module;

/// Write stubs for undefined symbols: functions that print their names and terminate the program
///
/// For objects and archives, writes an archive of weak stubs, which is linked last. For a linked
/// module, writes a copy in which local functions replace imports. Prints the path of the output
/// file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Objects and archives, including all archive members, or a single module
    #[arg(value_name = "FILE", required = true)]
    files: Vec<Utf8PathBuf>,
    /// An archive that is linked together with the files: its symbols count as defined, but only
    /// the members that are needed are linked
    #[arg(long, value_name = "FILE")]
    library: Vec<Utf8PathBuf>,
    /// The archive or module to write
    #[arg(short, long, value_name = "FILE")]
    output: Utf8PathBuf,
    /// The behaviour of stubs, as in `mpd_*=trap` or `getuid=value=0`; BEHAVIOUR is one of trap,
    /// errno, null, value=N, python-error, python-error=N, import-error, shim
    #[arg(long = "stub", value_name = "PATTERN=BEHAVIOUR")]
    stubs: Vec<String>,
    /// A TOML file with a `[stubs]` table, as in a recipe
    #[arg(long, value_name = "FILE")]
    rules: Option<Utf8PathBuf>,
    /// A pattern for the symbols to stub [default: those with a rule, or all if there are no rules]
    #[arg(long, value_name = "PATTERN")]
    only: Vec<Pattern>,
    /// A Python module to leave out: importing it fails with ImportError, and its code is not
    /// linked
    #[arg(long, value_name = "MODULE")]
    leave_out: Vec<String>,
    /// The host policy, which determines how stubs report their names [default: the project's
    /// `policy`, else wasip1]
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
}

/// A file of stub rules. Tables other than `[stubs]` are ignored.
#[derive(Debug, Deserialize)]
struct RulesFile {
    stubs: Rules,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written, a rule is invalid, or a stub is refused.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let rules = rules(args, ctx)?;
    let mut policy = policy(args.policy.as_deref(), &Workspace::new(ctx))?;
    let reporter = trap_reporter(&policy);
    let first = Input::read(&args.files[0], &ctx.cwd)?.content;
    if matches!(first, Content::Object(_) | Content::Archive(_)) {
        return before_the_link(args, &rules, reporter, ctx);
    }
    let bytes = first.into_module().with_context(|| format!("cannot use `{}`", args.files[0]))?;
    anyhow::ensure!(args.files.len() == 1, "a linked module cannot be combined with other files");
    anyhow::ensure!(
        args.leave_out.is_empty() && args.library.is_empty(),
        "`{}` is already linked, so `--leave-out` and `--library` have no effect",
        args.files[0]
    );
    policy.restrict(&args.only);
    let done = rewrite::stub(&bytes, &policy, &rules, default(args), reporter)
        .with_context(|| format!("cannot add these stubs to `{}`", args.files[0]))?;
    if Module::read(&bytes)?.has_debug_information() {
        ctx.reporter.note(format!("debug information was removed from `{}`", args.output));
    }
    warn_unused(&done.unused, ctx);
    warn_unresolved(&done.left, ctx);
    write(&args.output, &done.module, ctx)?;
    ctx.reporter.status("Stubbed", count(done.stubbed.len(), "import"));
    ctx.reporter.data(&args.output);
    Ok(Exit::Success)
}

fn before_the_link(
    args: &Args,
    rules: &Rules,
    reporter: TrapReporter,
    ctx: &Ctx,
) -> anyhow::Result<Exit> {
    let (mut link, _) = link_set(&args.library, &args.files, &[], ctx)?;
    let mut written = Vec::new();
    if !args.leave_out.is_empty() {
        let (without, object) = pywasm_stubs::leave_out(link, &args.leave_out)?;
        link = without;
        let path = args.output.with_extension("o");
        anyhow::ensure!(
            path != args.output,
            "`--leave-out` writes an object next to the archive, so the name after `-o` must not end in `.o`"
        );
        write(&path, &object, ctx)?;
        written.push(path);
    }
    let mut closure = link.closure();
    let is_selected =
        |name: &str| args.only.is_empty() || args.only.iter().any(|it| it.matches(name));
    closure.undefined.retain(|it| !is_libc_symbol(&it.name) && is_selected(&it.name));
    let default = default(args);
    let found = pywasm_stubs::stubs(&link, &closure, rules, default).map_err(|refused| {
        let lines: Vec<String> = refused.iter().map(|it| format!("  {it}")).collect();
        anyhow::anyhow!(
            "{}:\n{}",
            match refused.len() {
                1 => "1 stub is refused".to_owned(),
                more => format!("{more} stubs are refused"),
            },
            lines.join("\n")
        )
    })?;
    warn_unused(&found.unused_patterns, ctx);
    warn_unresolved(&found.unmatched, ctx);
    let shims = shims(&found, ctx)?;
    warn_variables(&found, ctx);
    write(&args.output, &found.archive(reporter, shims), ctx)?;
    written.push(args.output.clone());
    ctx.reporter.status("Wrote", count(found.stubs.len(), "stub"));
    // The paths are printed in link order, with the archive last.
    written.iter().for_each(|path| ctx.reporter.data(path));
    Ok(Exit::Success)
}

/// Compiles the shims with the toolchain of an installation.
fn shims(found: &Stubs, ctx: &Ctx) -> anyhow::Result<Vec<Member>> {
    let sources = found.shims();
    if sources.is_empty() {
        return Ok(Vec::new());
    }
    let python = installed::find(&Selection::default(), &Workspace::new(ctx))
        .context("compiling the shims needs the toolchain of an installation")?;
    let scratch = tempfile::tempdir()?;
    let mut members = Vec::new();
    for (name, source) in sources {
        let file = scratch.path().join(format!("{name}.c"));
        fs_err::write(&file, source)?;
        let mut cc = python.cc();
        // Outside of a build script, the cc crate needs an explicit host, and must not print Cargo
        // directives.
        let objects = cc
            .file(&file)
            .out_dir(scratch.path())
            .host("none")
            .opt_level(2)
            .cargo_metadata(false)
            .try_compile_intermediates()?;
        for object in objects {
            let name = format!("pywasm-shim-{name}.o");
            members.push(Member { name, bytes: fs_err::read(object)? });
        }
    }
    Ok(members)
}

/// Returns the rules from the file and from the command line. Rules from the command line take
/// precedence.
fn rules(args: &Args, ctx: &Ctx) -> anyhow::Result<Rules> {
    let mut rules = match &args.rules {
        Some(path) => {
            let text = fs_err::read_to_string(ctx.cwd.join(path))?;
            let file: RulesFile = toml::from_str(&text)
                .with_context(|| format!("`{path}` is not a valid stub rules file"))?;
            file.stubs
        }
        None => Rules::default(),
    };
    for rule in &args.stubs {
        rules.add_text(rule)?;
    }
    Ok(rules)
}

/// Returns the behaviour of stubs for symbols that no rule matches.
fn default(args: &Args) -> Option<Behaviour> {
    let named = args.rules.is_some() || !args.stubs.is_empty();
    (!named || !args.only.is_empty()).then_some(Behaviour::Trap)
}

/// Chooses the host function with which stubs report their names.
fn trap_reporter(policy: &Policy) -> TrapReporter {
    if policy.has("ic0", "trap") {
        TrapReporter::Ic
    } else if policy.has("wasi_snapshot_preview1", "fd_write") {
        TrapReporter::Wasi
    } else {
        TrapReporter::Silent
    }
}

/// Warns about stubs for variables, because the real size of a variable is unknown.
fn warn_variables(found: &Stubs, ctx: &Ctx) {
    let variables = found.stubs.iter().filter(|stub| stub.kind == SymbolKind::Data);
    let names: Vec<&str> = variables.map(|stub| stub.name.as_str()).collect();
    if let [first, ..] = names[..] {
        ctx.reporter.warn(format!(
            "{} replaced with zeros: {first}{}; the real size is unknown, so code that uses \
             more than the guessed size (at least 16 bytes) would access other data",
            if names.len() == 1 {
                "1 variable is".to_owned()
            } else {
                format!("{} variables are", names.len())
            },
            if names.len() > 1 { ", …" } else { "" }
        ));
    }
}

fn warn_unused(unused: &[String], ctx: &Ctx) {
    for pattern in unused {
        ctx.reporter.warn(format!("rule `{pattern}` matches no undefined symbol"));
    }
}

fn warn_unresolved(left: &[String], ctx: &Ctx) {
    if let [first, ..] = left {
        ctx.reporter.warn(format!(
            "{} still undefined, because no rule matches: {first}{}",
            if left.len() == 1 {
                "1 symbol is".to_owned()
            } else {
                format!("{} symbols are", left.len())
            },
            if left.len() > 1 { ", …" } else { "" }
        ));
    }
}

fn write(path: &Utf8Path, bytes: &[u8], ctx: &Ctx) -> anyhow::Result<()> {
    fs_err::write(ctx.cwd.join(path), bytes)
        .hint(|| "choose another path with `-o FILE`".to_owned())
}

fn count(number: usize, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
