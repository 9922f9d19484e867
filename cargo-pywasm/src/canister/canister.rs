//! A canister: a module, its state, and the messages it is sent.

use std::sync::Arc;
use std::time::Duration;

use candid::Principal;

use super::execute::{Entry, Image, Job};
use super::host::{Kind, Module};
use super::instrument;
use super::mode::Mode;
use super::outcome::{Outcome, Run, reject};
use super::system::{Durable, Facts};

/// The world of a canister.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub id: Principal,
    /// Who controls it.
    pub controllers: Vec<Principal>,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// What the answers of `raw_rand` are made from.
    pub seed: [u8; 32],
    /// Cycles that it has.
    pub cycles: u128,
    /// The most that a message may take.
    pub limits: Limits,
}

/// The most that a message may take; fuel is wasmtime's, about one for each instruction.
///
/// Sources: dfinity/ic, rs/config/src/subnet_config.rs, whose instructions are taken for fuel, and
/// "Resource limits" of the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fuel of an install or upgrade, all of it together.
    pub install_fuel: u64,
    /// Fuel of an update, a timer, a heartbeat, a callback.
    pub update_fuel: u64,
    /// Fuel of a query.
    pub query_fuel: u64,
    /// Fuel of `canister_inspect_message`.
    pub inspect_fuel: u64,
    /// Bytes of the heap.
    pub heap: u64,
    /// Pages of 64 KiB of the stable memory.
    pub stable_pages: u64,
    /// Bytes of an argument.
    pub argument: usize,
}

/// A canister.
#[derive(Clone, Debug)]
pub struct Canister {
    pub(super) settings: Settings,
    pub(super) module: Option<Module>,
    pub(super) state: State,
}

/// What a message changes.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) image: Arc<Image>,
    pub(super) durable: Durable,
}

/// A message, before it is run.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) mode: Mode,
    pub(super) export: String,
    pub(super) method: &'a str,
    pub(super) argument: &'a [u8],
    pub(super) caller: Principal,
    pub(super) fuel: u64,
}

/// So many timers in a row are fired that set themselves to a time that is over already.
const MOST_TIMERS: usize = 100;

/// 100 T.
const CYCLES: u128 = 100_000_000_000_000;

/// The name of the first canister of a local network.
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
    /// A canister without a module.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let state = Self::fresh(&settings, 0);
        Self { settings, module: None, state }
    }

    fn fresh(settings: &Settings, version: u64) -> State {
        let durable = Durable { cycles: settings.cycles, version, ..Durable::default() };
        State { image: Arc::default(), durable }
    }

    /// The module it has.
    #[must_use]
    pub fn module(&self) -> Option<&Module> {
        self.module.as_ref()
    }

    /// Its name, controllers and limits.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it has certified last.
    #[must_use]
    pub fn certified_data(&self) -> &[u8] {
        &self.state.durable.certified
    }

    /// When its timer is due, in nanoseconds since 1970.
    #[must_use]
    pub fn timer(&self) -> Option<u64> {
        Some(self.state.durable.timer).filter(|timer| *timer != 0)
    }

    /// Installs a module in an empty canister. When that fails, it stays empty.
    ///
    /// # Errors
    /// When it is not empty, or this machine has no thread for it.
    pub fn install(
        &mut self,
        module: &Module,
        argument: &[u8],
        caller: Principal,
    ) -> anyhow::Result<Run> {
        anyhow::ensure!(self.module.is_none(), "the canister has a module already");
        self.reinstall(module, argument, caller)
    }

    /// Installs a module whatever is there, of which nothing is left. When that fails, all of it is.
    ///
    /// # Errors
    /// When this machine has no thread for it.
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

    /// Replaces the module: `canister_pre_upgrade` of the old one, then `canister_post_upgrade` of
    /// the new one with a new heap and the same stable memory. When either fails, the old one
    /// goes on with all that it had.
    ///
    /// # Errors
    /// When there is no module, or this machine has no thread for it.
    pub fn upgrade(
        &mut self,
        module: &Module,
        argument: &[u8],
        caller: Principal,
    ) -> anyhow::Result<Run> {
        const PRE: &str = "canister_pre_upgrade";
        let Some(old) = self.module.clone() else {
            anyhow::bail!("the canister has no module yet: there is nothing to upgrade");
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
            let done = before.add(job.run()?);
            durable = match done {
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

    /// Takes the module away, and all of the state with it.
    pub fn uninstall(&mut self) {
        self.module = None;
        self.state = Self::fresh(&self.settings, self.state.durable.version + 1);
    }

    /// The start function and a hook of a module, in an instance that has nothing yet.
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
            Err(why) => Some(why.to_owned()),
        };
        if let Some(why) = refused {
            run.outcome = Outcome::error(format!("the module can't be installed: {why}"));
            return Ok(run);
        }
        if let Some(refused) = self.too_large(argument) {
            run.outcome = refused;
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

    /// Sends an update. A query is run as one that all nodes of a subnet would run.
    ///
    /// # Errors
    /// When this machine has no thread for it; whatever else goes wrong is a reject.
    pub fn update(
        &mut self,
        method: &str,
        argument: &[u8],
        caller: Principal,
    ) -> anyhow::Result<Run> {
        let of = [(Kind::Update, Mode::Update), (Kind::Query, Mode::ReplicatedQuery)];
        self.call(&of, method, argument, caller)
    }

    /// Sends a query, whose changes are forgotten. A composite query is one, too.
    ///
    /// # Errors
    /// As [`Canister::update`].
    pub fn query(
        &mut self,
        method: &str,
        argument: &[u8],
        caller: Principal,
    ) -> anyhow::Result<Run> {
        let of = [(Kind::Query, Mode::Query), (Kind::CompositeQuery, Mode::CompositeQuery)];
        self.call(&of, method, argument, caller)
    }

    /// Asks `canister_inspect_message` whether it takes an update from outside. Without that export
    /// it does.
    ///
    /// # Errors
    /// As [`Canister::update`].
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

    /// Runs `canister_heartbeat`, if it has one.
    ///
    /// # Errors
    /// As [`Canister::update`].
    pub fn heartbeat(&mut self) -> anyhow::Result<Run> {
        self.task("canister_heartbeat")
    }

    /// Moves the time to this, in nanoseconds since 1970, and fires what is due by then.
    ///
    /// # Errors
    /// As [`Canister::update`].
    pub fn set_time(&mut self, time: u64) -> anyhow::Result<Vec<Run>> {
        self.settings.time = time;
        self.fire()
    }

    /// Moves the time on, and fires what is due by then.
    ///
    /// # Errors
    /// As [`Canister::update`].
    pub fn advance(&mut self, by: Duration) -> anyhow::Result<Vec<Run>> {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.set_time(self.settings.time.saturating_add(by))
    }

    /// Runs `canister_global_timer` as long as it is due.
    fn fire(&mut self) -> anyhow::Result<Vec<Run>> {
        let mut runs = Vec::new();
        while self.timer().is_some_and(|timer| timer <= self.settings.time)
            && runs.len() < MOST_TIMERS
        {
            // It is set to never before it runs, and stays so when it traps.
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
            // Tasks are run by the management canister.
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
        if let Some(refused) = self.too_large(argument) {
            return Ok(Run::nothing(refused));
        }
        match self.message(kinds, method, argument, caller) {
            Ok(message) => self.process(message, 0),
            Err(refused) => Ok(Run::nothing(refused)),
        }
    }

    /// The message to a method of one of these kinds, or why there is none.
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
            let asked = kinds.first().map_or("", |(kind, _)| kind.name());
            return Err(Outcome::error(match module.kind(method) {
                Some(kind) => {
                    format!("`{method}` is no {asked}: it is of the kind {}", kind.name())
                }
                None => format!("the canister has no {asked} `{method}`"),
            }));
        };
        let limits = &self.settings.limits;
        let is_query = matches!(mode, Mode::Query | Mode::CompositeQuery);
        let fuel = if is_query { limits.query_fuel } else { limits.update_fuel };
        Ok(Message { mode: *mode, export: kind.export(method), method, argument, caller, fuel })
    }

    fn too_large(&self, argument: &[u8]) -> Option<Outcome> {
        let most = self.settings.limits.argument;
        (argument.len() > most).then(|| Outcome::Reject {
            code: reject::CANISTER_REJECT,
            message: format!(
                "the argument has {} bytes, and a message from outside may have {most}",
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
            most_reply: mode.most_reply(),
        }
    }
}
