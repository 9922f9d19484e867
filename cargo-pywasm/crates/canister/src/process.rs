//! Processes a message: runs the method, the calls that it makes, and their callbacks.

use std::collections::VecDeque;
use std::sync::Arc;

use candid::{Encode, Principal};
use sha2::{Digest, Sha256};

use super::canister::{Canister, Message, State};
use super::execute::{Changed, Entry, Executed, Job};
use super::host::Kind;
use super::mode::Mode;
use super::outcome::{Outcome, Run, reject};
use super::system::{Call, Response};

/// The maximum nesting depth of a canister's calls to itself. Deeper calls are rejected as if the
/// message queues were full.
const MAX_DEPTH: usize = 64;
/// The maximum number of calls made by one message.
const MAX_CALLS: usize = 100_000;

impl Run {
    pub(super) fn nothing(outcome: Outcome) -> Self {
        Self { outcome, debug: Vec::new(), fuel: 0, heap_pages: 0, stable_pages: 0 }
    }

    /// Adds the output and resources of an execution, and returns its changes.
    pub(super) fn add(&mut self, done: Executed) -> Result<Changed, String> {
        self.debug.extend(done.debug);
        self.fuel += done.fuel;
        (self.heap_pages, self.stable_pages) = (done.heap_pages, done.stable_pages);
        done.result
    }
}

/// The response to a call.
enum Answer {
    Reply(Vec<u8>),
    Reject(u32, String),
}

impl Canister {
    /// Runs a message until it has a response and no call is outstanding.
    pub(super) fn process(&mut self, message: Message<'_>, depth: usize) -> anyhow::Result<Run> {
        let before = message.mode.drops_changes().then(|| self.state.clone());
        let run = self.process_here(&message, depth);
        if let Some(before) = before {
            self.state = before;
        }
        run
    }

    fn process_here(&mut self, message: &Message<'_>, depth: usize) -> anyhow::Result<Run> {
        let mut run = Run::nothing(Outcome::Done);
        let mut response = None;
        let mut calls = VecDeque::new();
        let entry = (message.mode, Entry::Export(message.export.clone()));
        match self.execute(message, entry, &mut response, &mut run, |_| ())? {
            Ok(changed) => {
                if message.mode == Mode::Inspect {
                    run.outcome = inspected(changed.accepted, message.method);
                    return Ok(run);
                }
                calls.extend(changed.calls);
            }
            Err(trap) => {
                run.outcome = Outcome::error(trap);
                return Ok(run);
            }
        }
        let (mut count, mut failed) = (0, None);
        while let Some(call) = calls.pop_front() {
            count += 1;
            anyhow::ensure!(
                count <= MAX_CALLS,
                "`{}` makes more than {MAX_CALLS} calls",
                message.method
            );
            let (answer, refunded) = self.answer(&call, message.mode, &mut run, depth)?;
            self.state.durable.cycles += refunded;
            match self.callback(message, &call, &answer, refunded, &mut response, &mut run)? {
                Ok(more) => calls.extend(more),
                Err(trap) => failed = Some(trap),
            }
        }
        run.outcome = match (response, failed) {
            (Some(Response::Reply(bytes)), _) => Outcome::Reply(bytes),
            (Some(Response::Reject(message)), _) => {
                Outcome::Reject { code: reject::CANISTER_REJECT, message }
            }
            (None, Some(trap)) => Outcome::error(trap),
            (None, None) if message.mode == Mode::Task => Outcome::Done,
            (None, None) => Outcome::error(format!("`{}` did not reply", message.method)),
        };
        Ok(run)
    }

    /// Runs one execution, and keeps its changes unless it traps. `set` completes the `Facts` that
    /// the execution can query.
    fn execute(
        &mut self,
        message: &Message<'_>,
        entry: (Mode, Entry),
        response: &mut Option<Response>,
        run: &mut Run,
        set: impl FnOnce(&mut super::system::Facts),
    ) -> anyhow::Result<Result<Changed, String>> {
        let Some(module) = self.module.clone() else {
            anyhow::bail!("the canister has no module");
        };
        let mut facts = self.facts(message.method, message.argument, message.caller, message.mode);
        facts.fuel_before = run.fuel;
        set(&mut facts);
        let job = Job {
            module: &module,
            image: Some(&self.state.image),
            durable: self.state.durable.clone(),
            entries: vec![entry],
            facts,
            response: response.clone(),
            fuel: message.fuel,
        };
        Ok(run.add(job.run()?).map(|mut changed| {
            let image = Arc::new(std::mem::take(&mut changed.image));
            self.state = State { image, durable: changed.durable.clone() };
            self.state.durable.version += 1;
            *response = changed.response.take();
            changed
        }))
    }

    /// Runs the callback for the response to a call. If the callback traps, runs the call's cleanup
    /// callback.
    fn callback(
        &mut self,
        message: &Message<'_>,
        call: &Call,
        answer: &Answer,
        refunded: u128,
        response: &mut Option<Response>,
        run: &mut Run,
    ) -> anyhow::Result<Result<Vec<Call>, String>> {
        let is_composite = message.mode == Mode::CompositeQuery;
        let (callback, mode) = match (answer, is_composite) {
            (Answer::Reply(_), false) => (call.reply, Mode::Reply),
            (Answer::Reply(_), true) => (call.reply, Mode::CompositeReply),
            (Answer::Reject(..), false) => (call.reject, Mode::Reject),
            (Answer::Reject(..), true) => (call.reject, Mode::CompositeReject),
        };
        let set = |facts: &mut super::system::Facts| {
            facts.refunded = refunded;
            match answer {
                Answer::Reply(bytes) => facts.argument = bytes.as_slice().into(),
                Answer::Reject(code, text) => facts.rejected = Some((*code, text.clone())),
            }
        };
        let entry = (mode, Entry::Callback(callback));
        let trap = match self.execute(message, entry, response, run, set)? {
            Ok(changed) => return Ok(Ok(changed.calls)),
            Err(trap) => trap,
        };
        if let Some(cleanup) = call.cleanup {
            let mode = if is_composite { Mode::CompositeCleanup } else { Mode::Cleanup };
            let entry = (mode, Entry::Callback(cleanup));
            if let Err(second) = self.execute(message, entry, response, run, set)? {
                return Ok(Err(format!("{trap}\nand the cleanup callback failed: {second}")));
            }
        }
        Ok(Err(trap))
    }

    /// Returns the response to a call, and the refunded cycles. Calls can reach only this canister
    /// and the management canister's `raw_rand`.
    fn answer(
        &mut self,
        call: &Call,
        mode: Mode,
        run: &mut Run,
        depth: usize,
    ) -> anyhow::Result<(Answer, u128)> {
        let method = String::from_utf8_lossy(&call.method);
        let callee = Principal::from_slice(&call.callee);
        let no_destination = |message: String| Answer::Reject(reject::DESTINATION_INVALID, message);
        let answer = if callee == self.settings.id {
            self.own(&method, &call.argument, mode, run, depth)?
        } else if callee != Principal::management_canister() {
            no_destination(format!(
                "cannot call `{method}` of {callee}: this host has no other canisters"
            ))
        } else if method != "raw_rand" || mode == Mode::CompositeQuery {
            no_destination(format!(
                "this host does not support `{method}` of the management canister"
            ))
        } else {
            Answer::Reply(Encode!(&self.random())?)
        };
        Ok((answer, call.cycles))
    }

    /// Runs a call that the canister makes to itself.
    fn own(
        &mut self,
        method: &str,
        argument: &[u8],
        mode: Mode,
        run: &mut Run,
        depth: usize,
    ) -> anyhow::Result<Answer> {
        if depth >= MAX_DEPTH {
            let message = format!(
                "`{method}`: the canister's calls to itself are nested more than {MAX_DEPTH} deep"
            );
            return Ok(Answer::Reject(reject::SYS_TRANSIENT, message));
        }
        let kinds = if mode == Mode::CompositeQuery {
            [(Kind::Query, Mode::Query), (Kind::CompositeQuery, Mode::CompositeQuery)]
        } else {
            [(Kind::Update, Mode::Update), (Kind::Query, Mode::ReplicatedQuery)]
        };
        let inner = match self.message(&kinds, method, argument, self.settings.id) {
            Ok(message) => self.process(message, depth + 1)?,
            Err(outcome) => Run::nothing(outcome),
        };
        run.debug.extend(inner.debug);
        run.fuel += inner.fuel;
        Ok(match inner.outcome {
            Outcome::Done => Answer::Reply(Vec::new()),
            Outcome::Reply(bytes) => Answer::Reply(bytes),
            Outcome::Reject { code, message } => Answer::Reject(code, message),
        })
    }

    /// Returns 32 bytes that depend on the seed and on the number of earlier calls.
    fn random(&mut self) -> Vec<u8> {
        let count = self.state.durable.randoms;
        self.state.durable.randoms += 1;
        let hash = Sha256::new().chain_update(self.settings.seed).chain_update(count.to_le_bytes());
        hash.finalize().to_vec()
    }
}

fn inspected(accepted: bool, method: &str) -> Outcome {
    if accepted {
        return Outcome::Done;
    }
    let message = format!("canister_inspect_message did not accept `{method}`");
    Outcome::Reject { code: reject::CANISTER_REJECT, message }
}
