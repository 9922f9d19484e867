//! Schedules tasks in a deterministic order.
//!
//! Ready tasks are in a queue. The first task runs until it pauses, waits or ends. Then the next
//! task runs. The scheduler stores suspended tasks and selects the next task, but does not run
//! tasks.

use std::collections::{BTreeMap, VecDeque};

use super::Outcome;
use super::continuation::{Chain, Suspended};
use super::fault::{Failure, Fault};
use super::handle::{Handle, Ledger};
use super::interpreter::{Answer, Interpreter};

/// A handle to a task.
#[derive(Clone, PartialEq, Hash)]
pub(crate) struct Task(Handle);

impl Task {
    /// Returns the number that identifies the task within its run.
    pub(crate) fn id(&self) -> u64 {
        self.0.id()
    }
}

/// The condition that ends a wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// All tasks have results, or one has failed.
    All,
    /// One task has a result or has failed. The others are cancelled.
    First,
}

/// A task to resume, and the outcome to deliver to it.
pub(super) struct Turn<I: Interpreter> {
    pub(super) suspended: Suspended<I>,
    pub(super) outcome: Outcome<I>,
}

/// The main program's task. It has no handle, so it cannot be waited for or cancelled.
const MAIN: u64 = 0;

struct Entry<I: Interpreter> {
    state: State<I>,
    /// True if another task has waited for this task. A failure of this task is then not reported
    /// as unobserved.
    awaited: bool,
    /// True if no handle to this task is left, so that no task can wait for it.
    forgotten: bool,
}

enum State<I: Interpreter> {
    /// The task is ready, running or waiting.
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
    /// The tasks to wait for. These handles keep the results of the tasks.
    tasks: Vec<Task>,
    /// The number of tasks in `tasks` that are live.
    live: usize,
}

/// The tasks of a VM.
pub(super) struct Scheduler<I: Interpreter> {
    ledger: Ledger,
    running: u64,
    ready: VecDeque<(u64, Turn<I>)>,
    tasks: BTreeMap<u64, Entry<I>>,
    waits: BTreeMap<u64, Wait>,
    last_wait: u64,
    unobserved: Vec<Failure<I>>,
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
            unobserved: Vec::new(),
        }
    }

    /// Returns true if the main program is running.
    pub(super) fn is_main_running(&self) -> bool {
        self.running == MAIN
    }

    /// Creates a task and adds it to the end of the queue.
    pub(super) fn spawn(&mut self, suspended: Suspended<I>) -> Task {
        let task = Task(self.ledger.issue());
        let state = State::Live { waiters: Vec::new(), waits: None };
        self.tasks.insert(task.0.id(), Entry { state, awaited: false, forgotten: false });
        self.ready.push_back((task.0.id(), Turn { suspended, outcome: Ok(Answer::Unit) }));
        task
    }

    /// Moves the running task, suspended in this chain, to the end of the queue.
    pub(super) fn pause(&mut self, chain: Chain) {
        let turn = Turn { suspended: Suspended::Chain(chain), outcome: Ok(Answer::Unit) };
        self.ready.push_back((self.running, turn));
    }

    /// Suspends the running task until the condition holds. Returns the tasks that this cancels.
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
        let (mut live, mut is_decided) = (0, false);
        for task in &tasks {
            let Some(entry) = self.tasks.get_mut(&task.0.id()) else { continue };
            entry.awaited = true;
            match &mut entry.state {
                State::Live { waiters, .. } => {
                    waiters.push(id);
                    live += 1;
                }
                settled => is_decided |= decides(until, settled),
            }
        }
        if let Some(Entry { state: State::Live { waits, .. }, .. }) =
            self.tasks.get_mut(&self.running)
        {
            *waits = Some(id);
        }
        self.waits.insert(id, Wait { task: self.running, chain, until, tasks, live });
        let mut cancelled = Vec::new();
        if is_decided || live == 0 {
            self.wake(id, &mut cancelled);
        }
        Ok(cancelled)
    }

    /// Ends the running task. Returns the tasks that this cancels.
    pub(super) fn finish(&mut self, outcome: Outcome<I>) -> Vec<Suspended<I>> {
        let mut cancelled = Vec::new();
        let id = self.running;
        self.settle(id, State::Ended(outcome), &mut cancelled);
        if self.tasks.get(&id).is_some_and(|entry| entry.forgotten) {
            self.remove(id);
        }
        cancelled
    }

    /// Selects the first task in the queue. If the queue is empty, the main program receives a
    /// deadlock fault.
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

    /// Marks tasks without a handle as forgotten.
    pub(super) fn forget_dropped(&mut self) {
        for id in self.ledger.take_dropped() {
            match self.tasks.get_mut(&id) {
                Some(entry @ Entry { state: State::Live { .. }, .. }) => entry.forgotten = true,
                _ => self.remove(id),
            }
        }
    }

    /// Takes the failures of forgotten tasks that were never waited for.
    pub(super) fn take_unobserved(&mut self) -> Vec<Failure<I>> {
        std::mem::take(&mut self.unobserved)
    }

    /// Takes all suspended tasks at the end of a run, in the order in which they would have run.
    pub(super) fn take_all(&mut self) -> Vec<Suspended<I>> {
        for id in self.tasks.keys().copied().collect::<Vec<_>>() {
            self.remove(id);
        }
        let ready = std::mem::take(&mut self.ready).into_iter().map(|(_, turn)| turn.suspended);
        let waits = std::mem::take(&mut self.waits).into_values();
        ready.chain(waits.map(|wait| Suspended::Chain(wait.chain))).collect()
    }

    /// Returns the number of tasks in the table, including ended ones.
    #[cfg(test)]
    pub(super) fn task_count(&self) -> usize {
        self.tasks.len()
    }

    fn remove(&mut self, id: u64) {
        if let Some(Entry { state: State::Ended(Err(failure)), awaited: false, .. }) =
            self.tasks.remove(&id)
        {
            self.unobserved.push(failure);
        }
    }

    /// Ends or cancels a live task, and wakes the tasks whose wait is over.
    fn settle(&mut self, id: u64, state: State<I>, cancelled: &mut Vec<Suspended<I>>) {
        let Some(entry) = self.tasks.get_mut(&id) else { return };
        let (ended, state) = (state.is_ended(), std::mem::replace(&mut entry.state, state));
        let State::Live { waiters, waits } = state else { return };
        if !ended {
            cancelled.extend(self.take_suspended(id, waits));
        }
        for waiter in waiters {
            // The waiting task may have been woken or cancelled in the meantime.
            let Some(wait) = self.waits.get_mut(&waiter) else { continue };
            wait.live -= 1;
            let is_decided =
                self.tasks.get(&id).is_some_and(|entry| decides(wait.until, &entry.state));
            if is_decided || wait.live == 0 {
                self.wake(waiter, cancelled);
            }
        }
    }

    fn take_suspended(&mut self, id: u64, waits: Option<u64>) -> Option<Suspended<I>> {
        if let Some(wait) = waits.and_then(|wait| self.waits.remove(&wait)) {
            return Some(Suspended::Chain(wait.chain));
        }
        let position = self.ready.iter().position(|(ready, _)| *ready == id)?;
        self.ready.remove(position).map(|(_, turn)| turn.suspended)
    }

    /// Ends a wait: moves the task to the end of the queue, and cancels the losers of a race.
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

/// Returns true if a task in this state ends the wait, regardless of the other tasks.
fn decides<I: Interpreter>(until: Until, state: &State<I>) -> bool {
    match until {
        Until::All => matches!(state, State::Ended(Err(_)) | State::Cancelled),
        Until::First => state.is_ended(),
    }
}
