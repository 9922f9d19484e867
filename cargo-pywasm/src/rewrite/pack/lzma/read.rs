//! The decoder that reads packed modules. Broken and hostile streams end it; it takes no more memory than
//! what it is asked for.

use std::ops::Range;

use super::super::read::repeat;
use super::LITERAL_CONTEXT_BITS;
use super::model::*;

/// The content of a stream, and how many of its bytes that took. Tells what each part of the content took: of
/// a few bytes that share one, the first has it.
pub(in super::super) fn unpack(
    packed: &[u8],
    length: usize,
    mut tell: impl FnMut(Range<usize>, u64),
) -> Option<(Vec<u8>, usize)> {
    let mut coder = Coder::new(packed)?;
    let mut content: Vec<u8> = Vec::new();
    let (mut state, mut reps, mut told) = (0, [1_usize; 4], 0);
    while content.len() < length {
        let begin = content.len();
        if coder.bit(IS_MATCH + state)? {
            let count = coder.matched(&mut state, &mut reps)?;
            (count <= length - begin).then_some(())?;
            repeat(&mut content, reps[0], count)?;
        } else {
            let before = content.last().copied().unwrap_or_default();
            // Behind a match, the byte that would have gone on with it is hardly this one.
            let other = (state >= 7).then(|| content.get(begin.checked_sub(reps[0])?).copied());
            let other = other.map_or(Some(None), |other| other.map(Some))?;
            content.push(coder.literal(before, other)?);
            state = match state {
                0..4 => 0,
                4..10 => state - 3,
                _ => state - 6,
            };
        }
        tell(begin..content.len(), (coder.read - told) as u64);
        told = coder.read;
    }
    Some((content, coder.read))
}

/// The range coder and its probabilities.
struct Coder<'a> {
    packed: &'a [u8],
    read: usize,
    range: u32,
    code: u32,
    chances: Vec<u16>,
}

impl<'a> Coder<'a> {
    fn new(packed: &'a [u8]) -> Option<Self> {
        let [0, code @ ..] = *packed.first_chunk::<5>()? else { return None };
        let code = u32::from_be_bytes(code);
        Some(Self { packed, read: 5, range: u32::MAX, code, chances: vec![EVEN; ALL as usize] })
    }

    fn normalize(&mut self) -> Option<()> {
        if self.range < TOP {
            let byte = *self.packed.get(self.read)?;
            self.read += 1;
            (self.range, self.code) = (self.range << 8, self.code << 8 | u32::from(byte));
        }
        Some(())
    }

    fn bit(&mut self, at: u32) -> Option<bool> {
        self.normalize()?;
        let chance = &mut self.chances[at as usize];
        let bound = (self.range >> CHANCE_BITS) * u32::from(*chance);
        let is_one = self.code >= bound;
        if is_one {
            (self.range, self.code) = (self.range - bound, self.code - bound);
            *chance -= *chance >> MOVE_BITS;
        } else {
            self.range = bound;
            *chance += ((1 << CHANCE_BITS) - *chance) >> MOVE_BITS;
        }
        Some(is_one)
    }

    /// A number below `limit`, a power of two, its highest bit first.
    fn tree(&mut self, base: u32, limit: u32) -> Option<u32> {
        let mut symbol = 1;
        while symbol < limit {
            symbol = symbol << 1 | u32::from(self.bit(base + symbol)?);
        }
        Some(symbol - limit)
    }

    /// The same, its lowest bit first.
    fn reversed(&mut self, base: u32, limit: u32) -> Option<u32> {
        let (mut symbol, mut sum, mut weight) = (1, 0, 1);
        while weight < limit {
            let bit = u32::from(self.bit(base + symbol)?);
            symbol = symbol << 1 | bit;
            sum += weight * bit;
            weight <<= 1;
        }
        Some(sum)
    }

    fn literal(&mut self, before: u8, other: Option<u8>) -> Option<u8> {
        let base = LITERAL + (u32::from(before) >> (8 - LITERAL_CONTEXT_BITS)) * OF_LITERAL;
        let mut symbol = 1;
        let mut other = other.map(u32::from);
        while symbol < 0x100 {
            let expected = other.map(|it| it >> 7 & 1);
            let table = expected.map_or(0, |it| (1 + it) << 8);
            let bit = u32::from(self.bit(base + table + symbol)?);
            symbol = symbol << 1 | bit;
            // From the first bit that is another on, it is a plain one.
            other = other.map(|it| it << 1).filter(|_| expected == Some(bit));
        }
        u8::try_from(symbol & 0xff).ok()
    }

    /// A match: its length, and its distance as the first of the last four.
    fn matched(&mut self, state: &mut u32, reps: &mut [usize; 4]) -> Option<usize> {
        let at = *state;
        let after = |literal, matched| if at < 7 { literal } else { matched };
        if !self.bit(IS_REP + at)? {
            let count = self.length(LENGTH)?;
            *state = after(7, 10);
            let distance = self.distance(count)?;
            *reps = [usize::try_from(distance).ok()?.checked_add(1)?, reps[0], reps[1], reps[2]];
            return Some(count as usize);
        }
        if !self.bit(IS_REP_G0 + at)? {
            if !self.bit(IS_REP0_LONG + at)? {
                *state = after(9, 11);
                return Some(1);
            }
        } else if !self.bit(IS_REP_G1 + at)? {
            reps[..2].rotate_right(1);
        } else if !self.bit(IS_REP_G2 + at)? {
            reps[..3].rotate_right(1);
        } else {
            reps.rotate_right(1);
        }
        *state = after(8, 11);
        Some(self.length(REP_LENGTH)? as usize)
    }

    fn length(&mut self, base: u32) -> Option<u32> {
        if !self.bit(base + CHOICE)? {
            return Some(2 + self.tree(base + LOW, 8)?);
        }
        if !self.bit(base + CHOICE_2)? {
            return Some(10 + self.tree(base + MID, 8)?);
        }
        Some(18 + self.tree(base + HIGH, 256)?)
    }

    /// The distance less one.
    fn distance(&mut self, length: u32) -> Option<u32> {
        let slot = self.tree(POS_SLOT + (length - 2).min(3) * 64, 64)?;
        if slot < 4 {
            return Some(slot);
        }
        let (bits, high) = ((slot >> 1) - 1, 2 | slot & 1);
        if slot < 14 {
            let high = high << bits;
            return Some(high + self.reversed(POS_DECODERS + high - slot, 1 << bits)?);
        }
        let mut distance = high;
        for _ in 4..bits {
            self.normalize()?;
            self.range >>= 1;
            let is_one = self.code >= self.range;
            if is_one {
                self.code -= self.range;
            }
            distance = distance << 1 | u32::from(is_one);
        }
        Some((distance << 4) + self.reversed(ALIGN, 16)?)
    }
}
