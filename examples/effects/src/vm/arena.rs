//! Segments: the pieces that stacks of programs are made of, and the arena that they live in.
//!
//! A stack is a chain of segments, each naming its caller. To capture a continuation is to cut a
//! chain, to resume it is to tie it to another; no program is ever copied or moved for that.
//!
//! The arena never decides when a segment ends: whoever unlinks one from its chain frees it.

use std::ops::{Index, IndexMut};

use super::continuation::Continuation;
use super::interpreter::{Effect, Interpreter};

/// A segment's place in its arena; another segment's once this one is freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentId(usize);

/// Programs that call each other, and what their last result means to the segment that waits.
pub(super) struct Segment<I: Interpreter> {
    /// Started and suspended, the innermost last. One that has not started is never in here.
    pub(super) programs: Vec<I::Program>,
    /// Who gets the last result; the lowest segment of a task, or of a continuation, has none.
    pub(super) caller: Option<SegmentId>,
    pub(super) role: Role<I>,
}

/// What a segment is there for.
pub(super) enum Role<I: Interpreter> {
    /// To run programs, no more.
    Plain,
    /// Effects of what runs in here, or above, are offered to this handler.
    Prompt(I::Value),
    /// A handler runs in here, with this continuation in its hands.
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

    /// A segment without programs; a freed one, if there is any.
    pub(super) fn allocate(&mut self, caller: Option<SegmentId>, role: Role<I>) -> SegmentId {
        if let Some(id) = self.free.pop() {
            self[id].caller = caller;
            self[id].role = role;
            return id;
        }
        self.segments.push(Segment { programs: Vec::new(), caller, role });
        SegmentId(self.segments.len() - 1)
    }

    /// Ends a segment whose programs have ended. Its memory waits for the next one.
    pub(super) fn free(&mut self, id: SegmentId) -> (Option<SegmentId>, Role<I>) {
        debug_assert!(self[id].programs.is_empty(), "freed with programs in it");
        self.free.push(id);
        let segment = &mut self[id];
        (segment.caller.take(), std::mem::replace(&mut segment.role, Role::Plain))
    }

    /// How many segments are in use.
    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.segments.len() - self.free.len()
    }

    /// How many segments there is memory for.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.segments.len()
    }
}

/// Never out of bounds: identities come from `allocate` alone, and `segments` never shrinks.
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
    fn a_freed_segment_is_the_next_one_allocated() {
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
    fn freeing_gives_back_what_the_segment_was_for() {
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
