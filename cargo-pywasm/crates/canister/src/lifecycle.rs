//! Installs, upgrades and removes the wasm module of a canister.

use std::sync::Arc;

use candid::Principal;

use super::canister::{Canister, State};
use super::execute::{Entry, Job};
use super::host::Module;
use super::instrument;
use super::mode::Mode;
use super::outcome::{Outcome, Run};
use super::system::Durable;

impl Canister {
    /// Installs a module in an empty canister. If the installation fails, the canister stays empty.
    ///
    /// # Errors
    /// When the canister is not empty, or a thread cannot be created.
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
    /// When a thread cannot be created.
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
    /// When there is no module, or a thread cannot be created.
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
            run.outcome = Outcome::error(format!("the module cannot be installed: {reason}"));
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
}
