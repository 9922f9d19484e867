//! `cargo pywasm canister call`: installs a canister and calls its methods.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use crate::exit::Exit;
use pywasm_canister::{
    Canister, Host, Interface, Kind, Module, Outcome, Principal, Run, Settings,
    text::{self, encode, encode_untyped},
};
use pywasm_session::nearest;
use pywasm_session::{Reporter, WithHint, hinted};
use pywasm_store::Ctx;
use pywasm_store::Lock;

/// Install a canister on a local test host, and call its methods
///
/// The host is part of this tool. It implements the Internet Computer's system interface as
/// specified, without a network, a replica or other canisters. Query methods are called as
/// queries and update methods as updates. Each reply is printed as Candid to stdout, and the output
/// of the canister to stderr. After a reject, no further messages are sent, and the exit code is 1.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module: .wasm or .wasm.gz
    #[arg(value_name = "MODULE")]
    module: Utf8PathBuf,
    /// Methods to call, each followed by its arguments in Candid: `greet '("world")' read`
    #[arg(value_name = "METHOD ['(ARGS)']", required = true)]
    calls: Vec<String>,
    /// The argument for `canister_init`, or for `canister_post_upgrade` if there is a saved state
    #[arg(long, value_name = "(ARGS)")]
    init: Option<String>,
    /// Continue from the state in this file, and save the new state afterwards; a different module
    /// is installed as an upgrade
    #[arg(long, value_name = "FILE")]
    state: Option<Utf8PathBuf>,
    /// Discard the saved state
    #[arg(long, requires = "state")]
    reinstall: bool,
    /// The caller [default: the anonymous principal, which is the controller]
    #[arg(long, value_name = "PRINCIPAL", value_parser = principal)]
    caller: Option<Principal>,
    /// The current time: nanoseconds since 1970, or 2026-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    time: Option<u64>,
    /// Call every method as a query
    #[arg(long, conflicts_with = "update")]
    query: bool,
    /// Call every method as an update
    #[arg(long)]
    update: bool,
    /// Print the wasm fuel that each message used (not its Internet Computer instruction count)
    #[arg(long)]
    fuel: bool,
    /// Use hexadecimal Candid for arguments and replies: `greet 4449444c00017105776f726c64`
    #[arg(long)]
    raw: bool,
}

/// The Candid encoding of `()`, as hexadecimal digits.
const NO_ARGUMENTS: &str = "4449444c0000";

/// A message to send.
struct Call {
    method: String,
    argument: Vec<u8>,
    kind: Kind,
}

/// The parts of a `canister call` command that are the same for all messages.
struct Session<'a> {
    args: &'a Args,
    reporter: &'a Reporter,
    interface: Option<Interface>,
    caller: Principal,
}

/// Runs the command.
///
/// # Errors
/// When the module or the state cannot be loaded, or a method or an argument is invalid. In these
/// cases, no message has been sent.
pub(super) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let host = Host::new(ctx)?;
    let module = host.load(&ctx.cwd.join(&args.module))?;
    let interface = Interface::of(&module)
        .with_context(|| format!("cannot read the interface of `{}`", args.module))?;
    if interface.is_none() && !args.raw {
        ctx.reporter.note(
            "the module has no interface, so the types of arguments are inferred from their text",
        );
    }
    let caller = args.caller.unwrap_or(Principal::anonymous());
    let session = Session { args, reporter: &ctx.reporter, interface, caller };
    let calls = session.plan(&module)?;
    let path = args.state.as_ref().map(|path| ctx.cwd.join(path));
    let path = path.as_deref();
    let _lock = path.map(|path| lock(path, &ctx.reporter)).transpose()?;
    let mut settings = Settings { time: args.time.unwrap_or_else(now), ..Settings::default() };
    settings.controllers = vec![Principal::anonymous()];
    if let Some(path) = path.filter(|path| path.exists()) {
        // `--reinstall` must not overwrite a file that contains anything but a canister state.
        anyhow::ensure!(Canister::is_saved_in(path)?, "`{path}` does not contain a canister state");
    }
    let saved = path.filter(|path| path.exists() && !args.reinstall);
    let mut canister = match saved {
        Some(path) => Canister::load(path, settings.clone(), &host)?,
        None => Canister::new(settings.clone()),
    };
    // Without `--time`, the time never goes backwards between commands.
    let time = args.time.unwrap_or(settings.time.max(canister.settings().time));
    if saved.is_some() {
        // A timer that is due by now runs in the old module, because that module set it.
        session.report_timers(canister.set_time(time)?);
    }
    if !session.prepare(&mut canister, &module)? {
        if saved.is_some() {
            ctx.reporter.note("the saved canister is unchanged");
        }
        return Ok(Exit::Findings);
    }
    session.report_timers(canister.set_time(time)?);
    let exit = session.send_all(&mut canister, &calls);
    // The state is saved even if a message failed, because earlier messages have taken effect.
    if let Some(path) = path {
        canister.save(path)?;
    }
    exit
}

/// Locks the state file `x` by locking the file `.x.lock` next to it. The lock file is not removed,
/// because another process may be waiting for it.
fn lock(path: &Utf8Path, reporter: &Reporter) -> anyhow::Result<Lock> {
    // Different paths to the same file must use the same lock file.
    let path = path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().with_context(|| format!("`{path}` is not a file"))?;
    Lock::take(path.with_file_name(format!(".{name}.lock")), &format!("`{path}`"), reporter)
}

impl Session<'_> {
    /// Parses all methods and arguments before anything runs.
    fn plan(&self, module: &Module) -> anyhow::Result<Vec<Call>> {
        let mut calls = Vec::new();
        let mut words = self.args.calls.iter().peekable();
        while let Some(method) = words.next() {
            anyhow::ensure!(
                !method.starts_with('('),
                "expected a method, but found `{method}`; arguments must follow their method"
            );
            let is_argument = |word: &&String| {
                if self.args.raw { module.kind(word).is_none() } else { word.starts_with('(') }
            };
            let text = words.next_if(is_argument).map(String::as_str);
            let kind = match module.kind(method) {
                None => return Err(self.unknown(method, module)),
                Some(_) if self.args.update => Kind::Update,
                Some(Kind::Update) if self.args.query => Kind::Query,
                Some(kind) => kind,
            };
            let argument = self.argument(method, text);
            let argument = match words.peek().filter(|word| module.kind(word).is_none()) {
                Some(word) if text.is_none() && !self.args.raw => {
                    argument.hint(|| quoting_hint(word))?
                }
                _ => argument?,
            };
            calls.push(Call { method: method.clone(), argument, kind });
        }
        Ok(calls)
    }

    fn argument(&self, method: &str, text: Option<&str>) -> anyhow::Result<Vec<u8>> {
        if self.args.raw {
            return from_hex(text.unwrap_or(NO_ARGUMENTS)).with_context(|| format!("`{method}`"));
        }
        let text = text.unwrap_or("()");
        let types = self.interface.as_ref().and_then(|it| Some((it, it.method(method)?)));
        let Some((interface, function)) = types else { return encode_untyped(text) };
        encode(text, &interface.env, &function.args)
            .with_context(|| format!("`{method}` takes {}", text::list(&function.args)))
    }

    fn unknown(&self, method: &str, module: &Module) -> anyhow::Error {
        let methods = module.methods();
        let near = nearest(method, methods.iter().map(|(name, _)| name.as_str()));
        let lines = methods.iter().map(|(name, kind)| {
            let function = self.interface.as_ref().and_then(|it| it.method(name));
            match function {
                // The signature also shows whether the method is a query.
                Some(function) => format!("\n  {name} : {}", text::signature(function)),
                None => format!("\n  {name} ({})", kind.name()),
            }
        });
        let lines: String = lines.collect();
        let error =
            anyhow::anyhow!("the canister has no method `{method}`; its methods are:{lines}");
        if near.is_empty() {
            let is_name = method.chars().all(|it| it.is_alphanumeric() || it == '_');
            return if is_name { error } else { hinted(error, quoting_hint(method)) };
        }
        hinted(error, format!("did you mean {}?", near.join(" or ")))
    }

    /// Installs or upgrades the module if necessary. Returns false after a reject.
    fn prepare(&self, canister: &mut Canister, module: &Module) -> anyhow::Result<bool> {
        let is_new = canister.module().is_none();
        let is_same = canister.module().is_some_and(|it| it.digest() == module.digest());
        if is_same {
            if self.args.init.is_some() {
                self.reporter
                    .warn("--init is ignored: this module is already installed in the state");
            }
            return Ok(true);
        }
        let argument = self.init(is_new)?;
        let run = if is_new {
            canister.install(module, &argument, self.caller)?
        } else {
            self.reporter.status("Upgrading", format!("to `{}`", self.args.module));
            canister.upgrade(module, &argument, self.caller)?
        };
        self.report(if is_new { "install" } else { "upgrade" }, &run);
        Ok(run.outcome.is_ok())
    }

    fn init(&self, is_new: bool) -> anyhow::Result<Vec<u8>> {
        if self.args.raw {
            return from_hex(self.args.init.as_deref().unwrap_or(NO_ARGUMENTS)).context("--init");
        }
        let types = self.interface.as_ref().and_then(|it| Some((it, it.init.as_ref()?)));
        match (&self.args.init, types) {
            (None, None) => text::encode_untyped("()"),
            // The interface declares only the argument of `canister_init`. `canister_post_upgrade`
            // may need none, so the default is `()`.
            (None, Some(_)) if !is_new => text::encode_untyped("()"),
            (Some(init), None) => text::encode_untyped(init),
            (init, Some((interface, types))) => {
                let argument = text::encode(init.as_deref().unwrap_or("()"), &interface.env, types)
                    .with_context(|| format!("`canister_init` takes {}", text::list(types)));
                match init {
                    Some(_) => argument,
                    None => argument.hint(|| "add `--init '(…)'`".to_owned()),
                }
            }
        }
    }

    /// Sends messages until one is rejected.
    fn send_all(&self, canister: &mut Canister, calls: &[Call]) -> anyhow::Result<Exit> {
        for call in calls {
            if !self.send(canister, call)? {
                return Ok(Exit::Findings);
            }
        }
        Ok(Exit::Success)
    }

    /// Sends a message and prints its reply. Returns false after a reject.
    fn send(&self, canister: &mut Canister, call: &Call) -> anyhow::Result<bool> {
        let Call { method, argument, kind } = call;
        let is_update = *kind == Kind::Update;
        let run = if is_update {
            let inspected = canister.inspect_message(method, argument, self.caller)?;
            if inspected.outcome.is_ok() {
                canister.update(method, argument, self.caller)?
            } else {
                inspected
            }
        } else {
            canister.query(method, argument, self.caller)?
        };
        self.report(method, &run);
        if let Outcome::Reply(bytes) = &run.outcome {
            self.reporter.data(self.reply(method, bytes)?);
        }
        if is_update {
            let now = canister.settings().time;
            self.report_timers(canister.set_time(now)?);
        }
        Ok(run.outcome.is_ok())
    }

    fn reply(&self, method: &str, bytes: &[u8]) -> anyhow::Result<String> {
        if self.args.raw {
            return Ok(hex(bytes));
        }
        let types = self.interface.as_ref().and_then(|it| Some((&it.env, it.method(method)?)));
        text::decode(bytes, types)
            .with_context(|| format!("`{method}` replied {} bytes", bytes.len()))
            .hint(|| "`--raw` prints the reply as hexadecimal digits".to_owned())
    }

    fn report_timers(&self, runs: Vec<Run>) {
        for run in runs {
            self.report("canister_global_timer", &run);
        }
    }

    /// Reports the output of a message, the resources that it used, and its reject, if any.
    fn report(&self, what: &str, run: &Run) {
        for message in &run.debug {
            // The reporter adds a newline, so a newline at the end of the output is removed.
            self.reporter.status("Printed", message.strip_suffix('\n').unwrap_or(message));
        }
        if self.args.fuel {
            let Run { fuel, heap_pages, stable_pages, .. } = run;
            self.reporter.status(
                "Took",
                format!(
                    "{fuel} wasm fuel for `{what}`; {heap_pages} heap pages, {stable_pages} stable \
                     memory pages"
                ),
            );
        }
        if !run.outcome.is_ok() {
            self.reporter.error(&anyhow::anyhow!("`{what}`: {}", run.outcome));
        }
    }
}

/// Returns the hint for a word that is not a method name, but may be an unquoted argument.
fn quoting_hint(word: &str) -> String {
    format!("enclose arguments in parentheses, as in `'({word})'`, and text in double quotes")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> anyhow::Result<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|it| it.to_digit(16).and_then(|it| u8::try_from(it).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2));
    let digits = digits
        .with_context(|| format!("`{text}` does not consist of an even number of hex digits"))?;
    Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Converts a time to nanoseconds since 1970.
fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn now() -> u64 {
    nanoseconds(SystemTime::now())
}

/// Parses a time for clap.
fn time(text: &str) -> Result<u64, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    humantime::parse_rfc3339(text)
        .map(nanoseconds)
        .map_err(|_| "expected nanoseconds, or a time like 2026-01-31T12:00:00Z".to_owned())
}

/// Parses a principal for clap.
fn principal(text: &str) -> Result<Principal, String> {
    Principal::from_text(text).map_err(|error| error.to_string())
}
