//! `cargo pywasm canister call`: installs a canister, and sends it messages.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use crate::canister::{
    Canister, Host, Interface, Kind, Module, Outcome, Principal, Run, Settings, text,
};
use crate::exit::Exit;
use pywasm_session::nearest;
use pywasm_session::{Reporter, WithHint, hinted};
use pywasm_store::Ctx;
use pywasm_store::Lock;

/// Install a canister in a host for tests, and call its methods
///
/// The host is in the tool: there is no network, no other canister and no replica, and what the
/// canister asks of the system is answered as the specification says. Queries are run as queries,
/// updates as updates. Prints each reply as Candid; what the canister prints goes to stderr. Exit
/// code 1 says that a message was rejected, and those after it were not sent.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module: .wasm or .wasm.gz
    #[arg(value_name = "MODULE")]
    module: Utf8PathBuf,
    /// Methods, each with its arguments in Candid where it has any: `greet '("world")' read`
    #[arg(value_name = "METHOD ['(ARGS)']", required = true)]
    calls: Vec<String>,
    /// The argument of `canister_init`, or of `canister_post_upgrade` when there is a state
    #[arg(long, value_name = "(ARGS)")]
    init: Option<String>,
    /// Keep the canister in this file, and continue from it: another module is an upgrade
    #[arg(long, value_name = "FILE")]
    state: Option<Utf8PathBuf>,
    /// Throw away what the state has
    #[arg(long, requires = "state")]
    reinstall: bool,
    /// Who calls [default: the anonymous principal, which controls the canister]
    #[arg(long, value_name = "PRINCIPAL", value_parser = principal)]
    caller: Option<Principal>,
    /// When it is: nanoseconds since 1970, or as 2026-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    time: Option<u64>,
    /// Run every method as a query
    #[arg(long, conflicts_with = "update")]
    query: bool,
    /// Run every method as an update
    #[arg(long)]
    update: bool,
    /// Say how much wasm fuel each message took, which is not the Internet Computer's measure
    #[arg(long)]
    fuel: bool,
    /// Arguments and replies are hexadecimal digits of Candid: `greet 4449444c00017105776f726c64`
    #[arg(long)]
    raw: bool,
}

/// `()` in Candid's encoding, as hexadecimal digits.
const NO_ARGUMENTS: &str = "4449444c0000";

/// A message to send.
struct Call {
    method: String,
    argument: Vec<u8>,
    kind: Kind,
}

/// What the messages are sent with.
struct Session<'a> {
    args: &'a Args,
    reporter: &'a Reporter,
    interface: Option<Interface>,
    caller: Principal,
}

/// Runs it.
///
/// # Errors
/// When the module or the state can't be loaded, or a method or an argument is wrong: nothing was
/// run then.
pub(super) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let host = Host::new(ctx)?;
    let module = host.load(&ctx.cwd.join(&args.module))?;
    let interface = Interface::of(&module)
        .with_context(|| format!("`{}` has no interface that can be read", args.module))?;
    if interface.is_none() && !args.raw {
        ctx.reporter.note(
            "the module says nothing of its interface: arguments have the types that their text has",
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
        // `--reinstall` throws away a state, and no other file.
        anyhow::ensure!(
            Canister::is_kept_in(path)?,
            "`{path}` is another file, not a canister's state"
        );
    }
    let kept = path.filter(|path| path.exists() && !args.reinstall);
    let mut canister = match kept {
        Some(path) => Canister::load(path, settings.clone(), &host)?,
        None => Canister::new(settings.clone()),
    };
    // Time goes on between commands, and never back but when that is asked for.
    let time = args.time.unwrap_or(settings.time.max(canister.settings().time));
    if kept.is_some() {
        // What was due in between is done by the module that asked for it.
        session.tell_timers(canister.set_time(time)?);
    }
    if !session.prepare(&mut canister, &module)? {
        if kept.is_some() {
            ctx.reporter.note("the canister in the state stays as it was");
        }
        return Ok(Exit::Findings);
    }
    session.tell_timers(canister.set_time(time)?);
    let ended = session.send_all(&mut canister, &calls);
    // A message that was replied to is done, whatever became of those after it.
    if let Some(path) = path {
        canister.save(path)?;
    }
    ended
}

/// One command at a time continues from a state: `.x.lock` beside `x`. The file is left there, for
/// somebody may wait for it.
fn lock(path: &Utf8Path, reporter: &Reporter) -> anyhow::Result<Lock> {
    // By whatever way it is named.
    let path = path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().with_context(|| format!("`{path}` is no file"))?;
    Lock::take(path.with_file_name(format!(".{name}.lock")), &format!("`{path}`"), reporter)
}

impl Session<'_> {
    /// Reads all of the command line before anything runs.
    fn plan(&self, module: &Module) -> anyhow::Result<Vec<Call>> {
        let mut calls = Vec::new();
        let mut words = self.args.calls.iter().peekable();
        while let Some(method) = words.next() {
            anyhow::ensure!(
                !method.starts_with('('),
                "`{method}` stands where a method is wanted: arguments follow their method"
            );
            let is_argument = |word: &&String| {
                if self.args.raw { module.kind(word).is_none() } else { word.starts_with('(') }
            };
            let given = words.next_if(is_argument).map(String::as_str);
            let kind = match module.kind(method) {
                None => return Err(self.unknown(method, module)),
                Some(_) if self.args.update => Kind::Update,
                Some(Kind::Update) if self.args.query => Kind::Query,
                Some(kind) => kind,
            };
            let argument = self.argument(method, given);
            let argument = match words.peek().filter(|word| module.kind(word).is_none()) {
                Some(word) if given.is_none() && !self.args.raw => argument.hint(|| bare(word))?,
                _ => argument?,
            };
            calls.push(Call { method: method.clone(), argument, kind });
        }
        Ok(calls)
    }

    fn argument(&self, method: &str, given: Option<&str>) -> anyhow::Result<Vec<u8>> {
        if self.args.raw {
            return from_hex(given.unwrap_or(NO_ARGUMENTS)).with_context(|| format!("`{method}`"));
        }
        let given = given.unwrap_or("()");
        let types = self.interface.as_ref().and_then(|it| Some((it, it.method(method)?)));
        let Some((interface, function)) = types else { return text::encode_untyped(given) };
        text::encode(given, &interface.env, &function.args)
            .with_context(|| format!("`{method}` takes {}", text::list(&function.args)))
    }

    fn unknown(&self, method: &str, module: &Module) -> anyhow::Error {
        let methods = module.methods();
        let near = nearest(method, methods.iter().map(|(name, _)| name.as_str()));
        let lines = methods.iter().map(|(name, kind)| {
            let function = self.interface.as_ref().and_then(|it| it.method(name));
            match function {
                // It says itself that it is a query.
                Some(function) => format!("\n  {name} : {}", text::signature(function)),
                None => format!("\n  {name} ({})", kind.name()),
            }
        });
        let lines: String = lines.collect();
        let error = anyhow::anyhow!("the canister has no method `{method}`; it has{lines}");
        if near.is_empty() {
            let is_name = method.chars().all(|it| it.is_alphanumeric() || it == '_');
            return if is_name { error } else { hinted(error, bare(method)) };
        }
        hinted(error, format!("is it {}?", near.join(" or ")))
    }

    /// Installs or upgrades, where that is needed; whether it worked.
    fn prepare(&self, canister: &mut Canister, module: &Module) -> anyhow::Result<bool> {
        let is_new = canister.module().is_none();
        let is_same = canister.module().is_some_and(|it| it.digest() == module.digest());
        if is_same {
            if self.args.init.is_some() {
                self.reporter.warn("--init is not used: the state has this module already");
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
        self.tell(if is_new { "install" } else { "upgrade" }, &run);
        Ok(run.outcome.is_ok())
    }

    fn init(&self, is_new: bool) -> anyhow::Result<Vec<u8>> {
        if self.args.raw {
            return from_hex(self.args.init.as_deref().unwrap_or(NO_ARGUMENTS)).context("--init");
        }
        let types = self.interface.as_ref().and_then(|it| Some((it, it.init.as_ref()?)));
        match (&self.args.init, types) {
            // What an upgrade takes, no interface says for sure.
            (None, None) => text::encode_untyped("()"),
            (None, Some(_)) if !is_new => text::encode_untyped("()"),
            (Some(given), None) => text::encode_untyped(given),
            (given, Some((interface, types))) => {
                let argument =
                    text::encode(given.as_deref().unwrap_or("()"), &interface.env, types)
                        .with_context(|| {
                            format!("the canister is made with {}", text::list(types))
                        });
                match given {
                    Some(_) => argument,
                    None => argument.hint(|| "`--init '(…)'` says it".to_owned()),
                }
            }
        }
    }

    /// Sends messages up to the first that is rejected.
    fn send_all(&self, canister: &mut Canister, calls: &[Call]) -> anyhow::Result<Exit> {
        for call in calls {
            if !self.send(canister, call)? {
                return Ok(Exit::Findings);
            }
        }
        Ok(Exit::Success)
    }

    /// Sends a message, and tells its answer; whether it was replied to.
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
        self.tell(method, &run);
        if let Outcome::Reply(bytes) = &run.outcome {
            self.reporter.data(self.reply(method, bytes)?);
        }
        if is_update {
            let now = canister.settings().time;
            self.tell_timers(canister.set_time(now)?);
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
            .hint(|| "`--raw` prints them as they are".to_owned())
    }

    fn tell_timers(&self, runs: Vec<Run>) {
        for run in runs {
            self.tell("canister_global_timer", &run);
        }
    }

    /// What a message printed and took, and that it was rejected.
    fn tell(&self, what: &str, run: &Run) {
        for message in &run.debug {
            // Whoever prints lines ends them; a message is a line of its own.
            self.reporter.status("Printed", message.strip_suffix('\n').unwrap_or(message));
        }
        if self.args.fuel {
            let Run { fuel, heap_pages, stable_pages, .. } = run;
            self.reporter.status(
                "Took",
                format!(
                    "{fuel} wasm fuel for `{what}`; {heap_pages} pages of heap, {stable_pages} of \
                     stable memory"
                ),
            );
        }
        if !run.outcome.is_ok() {
            self.reporter.error(&anyhow::anyhow!("`{what}`: {}", run.outcome));
        }
    }
}

/// How a word that is no method could be an argument.
fn bare(word: &str) -> String {
    format!(
        "arguments stand in parentheses, `'({word})'`, and text in double quotes inside of them"
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> anyhow::Result<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|it| it.to_digit(16).and_then(|it| u8::try_from(it).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2));
    let digits = digits.with_context(|| format!("`{text}` is not an even number of hex digits"))?;
    Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Nanoseconds since 1970.
fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn now() -> u64 {
    nanoseconds(SystemTime::now())
}

/// For clap, whose errors are texts.
fn time(text: &str) -> Result<u64, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    humantime::parse_rfc3339(text)
        .map(nanoseconds)
        .map_err(|_| "nanoseconds or a time as 2026-01-31T12:00:00Z is needed".to_owned())
}

/// For clap.
fn principal(text: &str) -> Result<Principal, String> {
    Principal::from_text(text).map_err(|error| error.to_string())
}
