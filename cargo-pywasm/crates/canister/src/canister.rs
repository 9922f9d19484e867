//! A canister: its module, its state, and the messages that it receives.

use std::sync::Arc;
use std::time::Duration;

use candid::Principal;

use super::execute::Image;
use super::host::{Kind, Module};
use super::mode::Mode;
use super::outcome::{Outcome, Run, reject};
use super::settings::Settings;
use super::system::{Durable, Facts};

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

impl Canister {
    /// Creates a canister without a module.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let state = Self::fresh(&settings, 0);
        Self { settings, module: None, state }
    }

    /// Returns the state of a canister without a module.
    pub(super) fn fresh(settings: &Settings, version: u64) -> State {
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

    /// Sends an update. A query method is run as a replicated query.
    ///
    /// # Errors
    /// When a thread cannot be created. Any other failure is returned as a reject.
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

    /// Creates a message for a method whose kind is one of `kinds`. Returns a reject if the
    /// canister has no such method.
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

    /// Returns a reject if the argument exceeds the limit for a message from outside.
    pub(super) fn too_large(&self, argument: &[u8]) -> Option<Outcome> {
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
