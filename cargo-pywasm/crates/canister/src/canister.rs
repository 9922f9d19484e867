//! A canister: its module, its state, and the messages that it receives.

use std::sync::Arc;
use std::time::Duration;

use candid::Principal;

use super::execute::{Entry, Image, Job};
use super::host::{Kind, Module};
use super::instrument;
use super::mode::Mode;
use super::outcome::{Outcome, Run, reject};
use super::system::{Durable, Facts};

/// The environment of a canister.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The canister's principal.
    pub id: Principal,
    /// The canister's controllers.
    pub controllers: Vec<Principal>,
    /// The current time, in nanoseconds since 1970.
    pub time: u64,
    /// The seed for the replies of `raw_rand`.
    pub seed: [u8; 32],
    /// The canister's initial cycle balance.
    pub cycles: u128,
    /// The limits of a message.
    pub limits: Limits,
}

/// The limits on a message. wasmtime counts fuel: about one unit per instruction.
///
/// Sources: dfinity/ic, rs/config/src/subnet_config.rs (whose instruction limits are used as fuel
/// limits), and "Resource limits" in the Internet Computer documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The fuel limit for an installation or a whole upgrade.
    pub install_fuel: u64,
    /// The fuel limit for an update, a timer, a heartbeat or a callback.
    pub update_fuel: u64,
    /// The fuel limit for a query.
    pub query_fuel: u64,
    /// The fuel limit for `canister_inspect_message`.
    pub inspect_fuel: u64,
    /// The maximum size of the heap in bytes.
    pub heap: u64,
    /// The maximum size of the stable memory in pages of 64 KiB.
    pub stable_pages: u64,
    /// The maximum size of an argument in bytes.
    pub argument: usize,
}

/// A canister.
#[derive(Clone, Debug)]
pub struct Canister {
    pub(super) settings: Settings,
    pub(super) module: Option<Module>,
    pub(super) state: State,
}

/// The part of a canister that messages can change.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) image: Arc<Image>,
    pub(super) durable: Durable,
}

/// A message to run.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) mode: Mode,
    pub(super) export: String,
    pub(super) method: &'a str,
    pub(super) argument: &'a [u8],
    pub(super) caller: Principal,
    pub(super) fuel: u64,
}

/// The maximum number of consecutive timer runs. This limit stops a timer that always sets itself
/// to a time in the past.
const MAX_TIMERS: usize = 100;

/// The default cycle balance: 100 trillion.
const CYCLES: u128 = 100_000_000_000_000;

/// The principal of the first canister in a local network.
const ID: &[u8] = &[0x80, 0, 0, 0, 0, 0x10, 0, 1, 1, 1];

impl Default for Settings {
    fn default() -> Self {
        Self {
            id: Principal::from_slice(ID),
            controllers: vec![Principal::anonymous()],
            time: 0,
            seed: [0; 32],
            cycles: CYCLES,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            install_fuel: 300_000_000_000,
            update_fuel: 40_000_000_000,
            query_fuel: 5_000_000_000,
            inspect_fuel: 200_000_000,
            heap: 4 << 30,
            stable_pages: 500 << 14,
            argument: 2 << 20,
        }
    }
}

impl Canister {
    /// Creates a canister without a module.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let state = Self::fresh(&settings, 0);
        Self { settings, module: None, state }
    }

    fn fresh(settings: &Settings, version: u64) -> State {
        let durable = Durable { cycles: settings.cycles, version, ..Durable::default() };
        State { image: Arc::default(), durable }
    }

    /// Returns the installed module.
    #[must_use]
    pub fn module(&self) -> Option<&Module> {
        self.module.as_ref()
    }

    /// Returns the settings of the canister, such as its principal, controllers and limits.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the canister's certified data.
    #[must_use]
    pub fn certified_data(&self) -> &[u8] {
        &self.state.durable.certified
    }

    /// Returns the time at which the canister's timer fires, in nanoseconds since 1970.
    #[must_use]
    pub fn timer(&self) -> Option<u64> {
        Some(self.state.durable.timer).filter(|timer| *timer != 0)
    }

    /// Installs a module in an empty canister. If the installation fails, the canister stays empty.
    ///
    /// # Errors
    /// When the canister is not empty, or a thread can't be created.
    pub fn install(
        &mut self,
        module: &Module,
        argument: &[u8],
        caller: Principal,
    ) -> anyhow::Result<Run> {
        anyhow::ensure!(self.module.is_none(), "the canister already has a module");
        self.reinstall(module, argument, caller)
    }

    /// Replaces the module and the whole state. If the installation fails, the old module and its
    /// state are kept.
    ///
    /// # Errors
    /// When a thread can't be created.
    pub fn reinstall(
        &mut self,
        module: &Module,
        argument: &[u8],
        caller: Principal,
    ) -> anyhow::Result<Run> {
        let durable = Self::fresh(&self.settings, self.state.durable.version).durable;
        let fuel = self.settings.limits.install_fuel;
        self.begin(module, "canister_init", durable, argument, caller, fuel)
    }

    /// Replaces the module: runs `canister_pre_upgrade` of the old module, then
    /// `canister_post_upgrade` of the new module with a new heap and the same stable memory. If
    /// either hook fails, the old module and its state are kept.
    ///
    /// # Errors
    /// When there is no module, or a thread can't be created.
    pub fn upgrade(
        &mut self,
        module: &Module,
        argument: &[u8],
        caller: Principal,
    ) -> anyhow::Result<Run> {
        const PRE: &str = "canister_pre_upgrade";
        let Some(old) = self.module.clone() else {
            anyhow::bail!("the canister has no module to upgrade");
        };
        let mut durable = self.state.durable.clone();
        let mut before = Run::nothing(Outcome::Done);
        let mut fuel = self.settings.limits.install_fuel;
        if old.has(PRE) {
            let job = Job {
                module: &old,
                image: Some(&self.state.image),
                durable,
                entries: vec![(Mode::PreUpgrade, Entry::Export(PRE.to_owned()))],
                facts: self.facts("", argument, caller, Mode::PreUpgrade),
                response: None,
                fuel,
            };
            durable = match before.add(job.run()?) {
                Ok(changed) => changed.durable,
                Err(trap) => {
                    before.outcome = Outcome::error(format!("{PRE} failed: {trap}"));
                    return Ok(before);
                }
            };
            fuel = fuel.saturating_sub(before.fuel);
        }
        durable.timer = 0;
        let after = self.begin(module, "canister_post_upgrade", durable, argument, caller, fuel)?;
        let mut debug = before.debug;
        debug.extend(after.debug);
        Ok(Run { debug, fuel: before.fuel + after.fuel, ..after })
    }

    /// Removes the module and the state.
    pub fn uninstall(&mut self) {
        self.module = None;
        self.state = Self::fresh(&self.settings, self.state.durable.version + 1);
    }

    /// Runs the start function and a hook of a module in a new instance, and installs the module.
    fn begin(
        &mut self,
        module: &Module,
        hook: &str,
        durable: Durable,
        argument: &[u8],
        caller: Principal,
        fuel: u64,
    ) -> anyhow::Result<Run> {
        let mut run = Run::nothing(Outcome::Done);
        let refused = match module.linked() {
            Ok(_) => module.refused()?,
            Err(reason) => Some(reason.to_owned()),
        };
        if let Some(reason) = refused {
            run.outcome = Outcome::error(format!("the module can't be installed: {reason}"));
            return Ok(run);
        }
        if let Some(reject) = self.too_large(argument) {
            run.outcome = reject;
            return Ok(run);
        }
        let steps = [(Mode::Start, instrument::START), (Mode::Init, hook)];
        let steps = steps.into_iter().filter(|(_, name)| module.has(name));
        let job = Job {
            module,
            image: None,
            durable,
            entries: steps.map(|(mode, name)| (mode, Entry::Export(name.to_owned()))).collect(),
            facts: self.facts("", argument, caller, Mode::Init),
            response: None,
            fuel,
        };
        match run.add(job.run()?) {
            Ok(changed) => {
                self.state = State { image: Arc::new(changed.image), durable: changed.durable };
                self.state.durable.version += 1;
                self.module = Some(module.clone());
            }
            Err(trap) => run.outcome = Outcome::error(format!("{hook} failed: {trap}")),
        }
        Ok(run)
    }

    /// Sends an update. A query method is run as a replicated query.
    ///
    /// # Errors
    /// When a thread can't be created. Any other failure is returned as a reject.
    pub fn update(
        &mut self,
        method: &str,
        argument: &[u8],
        caller: Principal,
    ) -> anyhow::Result<Run> {
        let kinds = [(Kind::Update, Mode::Update), (Kind::Query, Mode::ReplicatedQuery)];
        self.call(&kinds, method, argument, caller)
    }

    /// Sends a query or composite query, and discards the changes that it makes.
    ///
    /// # Errors
    /// As for [`Canister::update`].
    pub fn query(
        &mut self,
        method: &str,
        argument: &[u8],
        caller: Principal,
    ) -> anyhow::Result<Run> {
        let kinds = [(Kind::Query, Mode::Query), (Kind::CompositeQuery, Mode::CompositeQuery)];
        self.call(&kinds, method, argument, caller)
    }

    /// Runs `canister_inspect_message`, which accepts or rejects an update from outside. If the
    /// canister does not export it, every update is accepted.
    ///
    /// # Errors
    /// As for [`Canister::update`].
    pub fn inspect_message(
        &mut self,
        method: &str,
        argument: &[u8],
        caller: Principal,
    ) -> anyhow::Result<Run> {
        const INSPECT: &str = "canister_inspect_message";
        if self.module.as_ref().is_none_or(|module| !module.has(INSPECT)) {
            return Ok(Run::nothing(Outcome::Done));
        }
        let export = INSPECT.to_owned();
        let fuel = self.settings.limits.inspect_fuel;
        self.process(Message { mode: Mode::Inspect, export, method, argument, caller, fuel }, 0)
    }

    /// Runs `canister_heartbeat`, if the canister exports it.
    ///
    /// # Errors
    /// As for [`Canister::update`].
    pub fn heartbeat(&mut self) -> anyhow::Result<Run> {
        self.task("canister_heartbeat")
    }

    /// Sets the time in nanoseconds since 1970, and fires the timer if it is due.
    ///
    /// # Errors
    /// As for [`Canister::update`].
    pub fn set_time(&mut self, time: u64) -> anyhow::Result<Vec<Run>> {
        self.settings.time = time;
        self.fire()
    }

    /// Advances the time, and fires the timer if it is due.
    ///
    /// # Errors
    /// As for [`Canister::update`].
    pub fn advance(&mut self, by: Duration) -> anyhow::Result<Vec<Run>> {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.set_time(self.settings.time.saturating_add(by))
    }

    /// Runs `canister_global_timer` while the timer is due.
    fn fire(&mut self) -> anyhow::Result<Vec<Run>> {
        let mut runs = Vec::new();
        while self.timer().is_some_and(|timer| timer <= self.settings.time)
            && runs.len() < MAX_TIMERS
        {
            // The timer is cleared before its function runs, and stays cleared if the function
            // traps.
            self.state.durable.timer = 0;
            runs.push(self.task("canister_global_timer")?);
        }
        Ok(runs)
    }

    fn task(&mut self, export: &str) -> anyhow::Result<Run> {
        if self.module.as_ref().is_none_or(|module| !module.has(export)) {
            return Ok(Run::nothing(Outcome::Done));
        }
        let message = Message {
            mode: Mode::Task,
            export: export.to_owned(),
            method: "",
            argument: &[],
            // The caller of a task is the management canister.
            caller: Principal::management_canister(),
            fuel: self.settings.limits.update_fuel,
        };
        self.process(message, 0)
    }

    fn call(
        &mut self,
        kinds: &[(Kind, Mode)],
        method: &str,
        argument: &[u8],
        caller: Principal,
    ) -> anyhow::Result<Run> {
        if let Some(reject) = self.too_large(argument) {
            return Ok(Run::nothing(reject));
        }
        match self.message(kinds, method, argument, caller) {
            Ok(message) => self.process(message, 0),
            Err(reject) => Ok(Run::nothing(reject)),
        }
    }

    /// Creates a message for a method of one of these kinds. Returns a reject if the canister has
    /// no such method.
    pub(super) fn message<'a>(
        &self,
        kinds: &[(Kind, Mode)],
        method: &'a str,
        argument: &'a [u8],
        caller: Principal,
    ) -> Result<Message<'a>, Outcome> {
        let Some(module) = &self.module else {
            return Err(Outcome::error("the canister has no module"));
        };
        let found = kinds.iter().find(|(kind, _)| module.has(&kind.export(method)));
        let Some((kind, mode)) = found else {
            let requested = kinds.first().map_or("", |(kind, _)| kind.name());
            return Err(Outcome::error(match module.kind(method) {
                Some(kind) => format!("`{method}` is of kind {}, not {requested}", kind.name()),
                None => format!("the canister has no {requested} `{method}`"),
            }));
        };
        let limits = &self.settings.limits;
        let is_query = matches!(mode, Mode::Query | Mode::CompositeQuery);
        let fuel = if is_query { limits.query_fuel } else { limits.update_fuel };
        Ok(Message { mode: *mode, export: kind.export(method), method, argument, caller, fuel })
    }

    fn too_large(&self, argument: &[u8]) -> Option<Outcome> {
        let max = self.settings.limits.argument;
        (argument.len() > max).then(|| Outcome::Reject {
            code: reject::CANISTER_REJECT,
            message: format!(
                "the argument has {} bytes, but the limit for a message from outside is {max}",
                argument.len()
            ),
        })
    }

    pub(super) fn facts(
        &self,
        method: &str,
        argument: &[u8],
        caller: Principal,
        mode: Mode,
    ) -> Facts {
        let Settings { id, controllers, time, limits, .. } = &self.settings;
        Facts {
            id: *id,
            controllers: controllers.as_slice().into(),
            caller,
            time: *time,
            method: method.to_owned(),
            argument: argument.into(),
            rejected: None,
            refunded: 0,
            stable_limit: limits.stable_pages,
            heap_limit: limits.heap,
            fuel_before: 0,
            max_reply: mode.max_reply(),
        }
    }
}
