//! Tasks that take turns, in a fixed order.
//!
//! Whoever is ready stands in a queue. The first one runs until it pauses, waits or ends; then the
//! next one does. Nothing else decides who runs, so every run of a program takes the same turns.
//!
//! The scheduler never runs anything: it keeps what is suspended, and says whose turn it is.

use std::collections::{BTreeMap, VecDeque};

use super::Outcome;
use super::continuation::{Chain, Suspended};
use super::fault::{Failure, Fault};
use super::handle::{Handle, Ledger};
use super::interpreter::{Answer, Interpreter};

/// A program's hold on a task.
#[derive(Clone, PartialEq, Hash)]
pub(crate) struct Task(Handle);

impl Task {
    /// Its number within its run.
    pub(crate) fn id(&self) -> u64 {
        self.0.id()
    }
}

/// What a task waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The results of all, or the first failure.
    All,
    /// The result or failure of whoever is first; the others are cancelled.
    First,
}

/// A task's turn: what to resume, and with what.
pub(super) struct Turn<I: Interpreter> {
    pub(super) suspended: Suspended<I>,
    pub(super) outcome: Outcome<I>,
}

/// The first program's task. It has no handle, so no task can wait for it or cancel it.
const MAIN: u64 = 0;

struct Entry<I: Interpreter> {
    state: State<I>,
    /// Somebody waited for it, so its failure was heard.
    awaited: bool,
    /// Nobody can ever wait for it again.
    forgotten: bool,
}

enum State<I: Interpreter> {
    /// It is ready, runs, or waits itself.
    Live {
        waiters: Vec<u64>,
        waits: Option<u64>,
    },
    Ended(Outcome<I>),
    Cancelled,
}

struct Wait {
    task: u64,
    chain: Chain,
    until: Until,
    /// Handles, because their results are still wanted.
    tasks: Vec<Task>,
    /// How many of them are live.
    live: usize,
}

/// The tasks of one VM.
pub(super) struct Scheduler<I: Interpreter> {
    ledger: Ledger,
    running: u64,
    ready: VecDeque<(u64, Turn<I>)>,
    tasks: BTreeMap<u64, Entry<I>>,
    waits: BTreeMap<u64, Wait>,
    last_wait: u64,
    unheard: Vec<Failure<I>>,
}

impl<I: Interpreter> Scheduler<I> {
    pub(super) fn new() -> Self {
        Scheduler {
            ledger: Ledger::default(),
            running: MAIN,
            ready: VecDeque::new(),
            tasks: BTreeMap::new(),
            waits: BTreeMap::new(),
            last_wait: 0,
            unheard: Vec::new(),
        }
    }

    /// Whether the first program has the turn.
    pub(super) fn runs_main(&self) -> bool {
        self.running == MAIN
    }

    /// A new task, which stands last in the queue.
    pub(super) fn spawn(&mut self, suspended: Suspended<I>) -> Task {
        let task = Task(self.ledger.issue());
        let state = State::Live { waiters: Vec::new(), waits: None };
        self.tasks.insert(task.0.id(), Entry { state, awaited: false, forgotten: false });
        self.ready.push_back((task.0.id(), Turn { suspended, outcome: Ok(Answer::Unit) }));
        task
    }

    /// The running task, suspended in this chain, stands last in the queue.
    pub(super) fn pause(&mut self, chain: Chain) {
        let turn = Turn { suspended: Suspended::Chain(chain), outcome: Ok(Answer::Unit) };
        self.ready.push_back((self.running, turn));
    }

    /// The running task, suspended in this chain, waits. What was cancelled by that is returned.
    pub(super) fn wait(
        &mut self,
        until: Until,
        tasks: Vec<Task>,
        chain: Chain,
    ) -> Result<Vec<Suspended<I>>, Fault<I::Value>> {
        if tasks.iter().any(|task| !self.ledger.issued(&task.0)) {
            return Err(Fault::ForeignTask);
        }
        if tasks.iter().any(|task| task.0.id() == self.running) {
            return Err(Fault::WaitsForItself);
        }
        self.last_wait += 1;
        let id = self.last_wait;
        let (mut live, mut decided) = (0, false);
        for task in &tasks {
            let Some(entry) = self.tasks.get_mut(&task.0.id()) else { continue };
            entry.awaited = true;
            match &mut entry.state {
                State::Live { waiters, .. } => {
                    waiters.push(id);
                    live += 1;
                }
                settled => decided |= decides(until, settled),
            }
        }
        if let Some(Entry { state: State::Live { waits, .. }, .. }) =
            self.tasks.get_mut(&self.running)
        {
            *waits = Some(id);
        }
        self.waits.insert(id, Wait { task: self.running, chain, until, tasks, live });
        let mut cancelled = Vec::new();
        if decided || live == 0 {
            self.wake(id, &mut cancelled);
        }
        Ok(cancelled)
    }

    /// The running task has ended. What was cancelled by that is returned.
    pub(super) fn finish(&mut self, outcome: Outcome<I>) -> Vec<Suspended<I>> {
        let mut cancelled = Vec::new();
        let id = self.running;
        self.settle(id, State::Ended(outcome), &mut cancelled);
        if self.tasks.get(&id).is_some_and(|entry| entry.forgotten) {
            self.remove(id);
        }
        cancelled
    }

    /// Gives the turn to the first in the queue. With nobody there, the first program is told that
    /// what it waits for will never be.
    pub(super) fn next(&mut self) -> Option<Turn<I>> {
        if let Some((id, turn)) = self.ready.pop_front() {
            self.running = id;
            return Some(turn);
        }
        let id = *self.waits.iter().find(|(_, wait)| wait.task == MAIN)?.0;
        let wait = self.waits.remove(&id)?;
        self.running = MAIN;
        Some(Turn { suspended: Suspended::Chain(wait.chain), outcome: Err(Fault::Deadlock.into()) })
    }

    /// Notes which tasks nobody can wait for any more.
    pub(super) fn forget_dropped(&mut self) {
        for id in self.ledger.take_dropped() {
            match self.tasks.get_mut(&id) {
                Some(entry @ Entry { state: State::Live { .. }, .. }) => entry.forgotten = true,
                _ => self.remove(id),
            }
        }
    }

    /// Failures of tasks that nobody waited for, or can wait for.
    pub(super) fn take_unheard(&mut self) -> Vec<Failure<I>> {
        std::mem::take(&mut self.unheard)
    }

    /// What is left when the run is over, in the order in which it would have run.
    pub(super) fn take_all(&mut self) -> Vec<Suspended<I>> {
        for id in self.tasks.keys().copied().collect::<Vec<_>>() {
            self.remove(id);
        }
        let ready = std::mem::take(&mut self.ready).into_iter().map(|(_, turn)| turn.suspended);
        let waits = std::mem::take(&mut self.waits).into_values();
        ready.chain(waits.map(|wait| Suspended::Chain(wait.chain))).collect()
    }

    /// How many tasks are known, ended ones included.
    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.tasks.len()
    }

    fn remove(&mut self, id: u64) {
        if let Some(Entry { state: State::Ended(Err(failure)), awaited: false, .. }) =
            self.tasks.remove(&id)
        {
            self.unheard.push(failure);
        }
    }

    /// Ends a live task, and tells those who wait for it.
    fn settle(&mut self, id: u64, state: State<I>, cancelled: &mut Vec<Suspended<I>>) {
        let Some(entry) = self.tasks.get_mut(&id) else { return };
        let (ended, state) = (state.is_ended(), std::mem::replace(&mut entry.state, state));
        let State::Live { waiters, waits } = state else { return };
        if !ended {
            cancelled.extend(self.take_suspended(id, waits));
        }
        for waiter in waiters {
            // One that was woken or cancelled in the meantime is not there any more.
            let Some(wait) = self.waits.get_mut(&waiter) else { continue };
            wait.live -= 1;
            let decided =
                self.tasks.get(&id).is_some_and(|entry| decides(wait.until, &entry.state));
            if decided || wait.live == 0 {
                self.wake(waiter, cancelled);
            }
        }
    }

    fn take_suspended(&mut self, id: u64, waits: Option<u64>) -> Option<Suspended<I>> {
        if let Some(wait) = waits.and_then(|wait| self.waits.remove(&wait)) {
            return Some(Suspended::Chain(wait.chain));
        }
        let place = self.ready.iter().position(|(ready, _)| *ready == id)?;
        self.ready.remove(place).map(|(_, turn)| turn.suspended)
    }

    /// Ends a wait: the task that waited stands last in the queue, and losers are cancelled.
    fn wake(&mut self, id: u64, cancelled: &mut Vec<Suspended<I>>) {
        let Some(wait) = self.waits.remove(&id) else { return };
        let outcome = match wait.until {
            Until::All => self.all(&wait.tasks),
            Until::First => self.first(&wait.tasks),
        };
        self.ready
            .push_back((wait.task, Turn { suspended: Suspended::Chain(wait.chain), outcome }));
        if wait.until == Until::First {
            for task in &wait.tasks {
                if self.tasks.get(&task.0.id()).is_some_and(|entry| entry.state.is_live()) {
                    self.settle(task.0.id(), State::Cancelled, cancelled);
                }
            }
        }
    }

    fn outcomes<'a>(&'a self, tasks: &'a [Task]) -> impl Iterator<Item = Outcome<I>> + 'a {
        tasks.iter().filter_map(|task| match &self.tasks.get(&task.0.id())?.state {
            State::Live { .. } => None,
            State::Ended(outcome) => Some(outcome.clone()),
            State::Cancelled => Some(Err(Fault::Cancelled.into())),
        })
    }

    fn all(&self, tasks: &[Task]) -> Outcome<I> {
        self.outcomes(tasks).collect::<Result<_, _>>().map(Answer::List)
    }

    fn first(&self, tasks: &[Task]) -> Outcome<I> {
        let mut outcomes = self.outcomes(tasks);
        let cancelled =
            |outcome: &Outcome<I>| matches!(outcome, Err(Failure::Fault(Fault::Cancelled)));
        outcomes.find(|outcome| !cancelled(outcome)).unwrap_or(Err(Fault::Cancelled.into()))
    }
}

impl<I: Interpreter> State<I> {
    fn is_live(&self) -> bool {
        matches!(self, State::Live { .. })
    }

    fn is_ended(&self) -> bool {
        matches!(self, State::Ended(_))
    }
}

/// Whether a task that is in this state ends the wait, whatever the others do.
fn decides<I: Interpreter>(until: Until, state: &State<I>) -> bool {
    match until {
        Until::All => matches!(state, State::Ended(Err(_)) | State::Cancelled),
        Until::First => state.is_ended(),
    }
}
