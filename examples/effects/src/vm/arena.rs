//! Segments, which are the parts of program stacks, and the arena that stores them.
//!
//! A stack is a linked list (chain) of segments, each pointing to its caller. Capturing a
//! continuation unlinks part of a chain, and resuming it links that part to another segment. No
//! program is copied or moved.
//!
//! Code that drops the last reference to a segment must free the segment.

use std::ops::{Index, IndexMut};

use super::continuation::Continuation;
use super::interpreter::{Effect, Interpreter};

/// The index of a segment in its arena. After a segment is freed, its index may be reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentId(usize);

/// A stack of programs that call each other.
pub(super) struct Segment<I: Interpreter> {
    /// The suspended programs, innermost last. Programs that have not been started are not in the
    /// list.
    pub(super) programs: Vec<I::Program>,
    /// The segment that receives this segment's result, or `None` for the lowest segment of a task
    /// or continuation.
    pub(super) caller: Option<SegmentId>,
    pub(super) role: Role<I>,
}

/// The role of a segment.
pub(super) enum Role<I: Interpreter> {
    /// A segment that only runs programs.
    Plain,
    /// A segment that also marks the position of a handler. The handler receives the effects of
    /// programs in this segment and in the segments above it.
    Prompt(I::Value),
    /// A segment that runs a handler. `effect` and `continuation` are what the handler received.
    Handling { effect: Effect<I>, continuation: Continuation },
}

/// All segments of one VM.
pub(super) struct Arena<I: Interpreter> {
    segments: Vec<Segment<I>>,
    free: Vec<SegmentId>,
}

impl<I: Interpreter> Arena<I> {
    pub(super) fn new() -> Self {
        Arena { segments: Vec::new(), free: Vec::new() }
    }

    /// Allocates a segment without programs. Reuses a freed segment if possible.
    pub(super) fn allocate(&mut self, caller: Option<SegmentId>, role: Role<I>) -> SegmentId {
        if let Some(id) = self.free.pop() {
            self[id].caller = caller;
            self[id].role = role;
            return id;
        }
        self.segments.push(Segment { programs: Vec::new(), caller, role });
        SegmentId(self.segments.len() - 1)
    }

    /// Frees a segment whose programs have ended, and returns its caller and role.
    pub(super) fn free(&mut self, id: SegmentId) -> (Option<SegmentId>, Role<I>) {
        debug_assert!(self[id].programs.is_empty(), "a freed segment still contains programs");
        self.free.push(id);
        let segment = &mut self[id];
        (segment.caller.take(), std::mem::replace(&mut segment.role, Role::Plain))
    }

    /// Returns the number of segments in use.
    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.segments.len() - self.free.len()
    }

    /// Returns the number of segments for which memory is allocated.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.segments.len()
    }
}

/// Never panics: only `allocate` creates a [`SegmentId`], and `segments` never shrinks.
impl<I: Interpreter> Index<SegmentId> for Arena<I> {
    type Output = Segment<I>;

    fn index(&self, id: SegmentId) -> &Segment<I> {
        &self.segments[id.0]
    }
}

impl<I: Interpreter> IndexMut<SegmentId> for Arena<I> {
    fn index_mut(&mut self, id: SegmentId) -> &mut Segment<I> {
        &mut self.segments[id.0]
    }
}

#[cfg(test)]
mod tests {
    use super::super::mock::Mock;
    use super::*;

    #[test]
    fn freed_segment_is_reused() {
        let mut arena = Arena::<Mock>::new();
        let first = arena.allocate(None, Role::Plain);
        let second = arena.allocate(Some(first), Role::Plain);
        assert_ne!(first, second);
        arena.free(first);
        assert_eq!(arena.used(), 1);
        assert_eq!(arena.allocate(None, Role::Plain), first);
        assert_eq!((arena.used(), arena.capacity()), (2, 2));
    }

    #[test]
    fn free_returns_caller_and_role() {
        let mut arena = Arena::<Mock>::new();
        let outer = arena.allocate(None, Role::Plain);
        let inner = arena.allocate(Some(outer), Role::Prompt(7.into()));
        let (caller, role) = arena.free(inner);
        assert_eq!(caller, Some(outer));
        assert!(matches!(role, Role::Prompt(handler) if handler == 7.into()));
        let reused = arena.allocate(None, Role::Plain);
        assert!(arena[reused].caller.is_none());
        assert!(matches!(arena[reused].role, Role::Plain));
    }
}
