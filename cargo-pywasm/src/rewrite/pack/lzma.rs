//! LZMA: smaller than LZ4, and many times its instructions to unpack. One raw stream of LZMA1 with `lc=3`, `lp=0`,
//! `pb=0` and no end mark: how much it unpacks to is known.
//!
//! Source: "LZMA specification" (`lzma-specification.txt` of the LZMA SDK), whose names of probabilities
//! these are; <https://www.7-zip.org/sdk.html>.

use anyhow::Context;
use liblzma::read::XzEncoder;
use liblzma::stream::{Filters, LzmaOptions, Stream};

mod range;
mod read;
mod unpack;

pub(super) use read::unpack;
pub(super) use unpack::Decoder;

/// liblzma's own highest level (`9e`): a module is packed once.
const PRESET: u32 = 9 | 1 << 31;
/// What preset 9 looks back over at most; the encoder takes many times this of memory.
const MOST_DICTIONARY: usize = 64 << 20;
/// What liblzma takes for a dictionary at least.
const LEAST_DICTIONARY: usize = 4 << 10;

/// The upper bits of the byte before that choose the probabilities of a literal. The bits of a position choose
/// none, which is better for Python's code and tables, and less to do.
const LITERAL_CONTEXT_BITS: u32 = 3;

/// Where probabilities begin among all.
mod model {
    const STATES: u32 = 12;
    pub(super) const IS_MATCH: u32 = 0;
    pub(super) const IS_REP: u32 = IS_MATCH + STATES;
    pub(super) const IS_REP_G0: u32 = IS_REP + STATES;
    pub(super) const IS_REP_G1: u32 = IS_REP_G0 + STATES;
    pub(super) const IS_REP_G2: u32 = IS_REP_G1 + STATES;
    pub(super) const IS_REP0_LONG: u32 = IS_REP_G2 + STATES;
    /// Four trees of 64, for lengths of 2, 3, 4, and more.
    pub(super) const POS_SLOT: u32 = IS_REP0_LONG + STATES;
    /// Reversed trees of the distances' lower bits.
    pub(super) const POS_DECODERS: u32 = POS_SLOT + 4 * 64;
    pub(super) const ALIGN: u32 = POS_DECODERS + 1 + 128 - 14;
    pub(super) const LENGTH: u32 = ALIGN + 16;
    pub(super) const REP_LENGTH: u32 = LENGTH + HIGH + 256;
    /// Eight times 256 of a plain literal, and twice 256 of one behind a match.
    pub(super) const LITERAL: u32 = REP_LENGTH + HIGH + 256;
    pub(super) const OF_LITERAL: u32 = 0x300;
    /// All of them; as many as are set eight bytes at a time.
    pub(super) const ALL: u32 =
        (LITERAL + (OF_LITERAL << super::LITERAL_CONTEXT_BITS)).next_multiple_of(4);

    /// The probabilities of a length, from its first.
    pub(super) const CHOICE: u32 = 0;
    pub(super) const CHOICE_2: u32 = 1;
    pub(super) const LOW: u32 = 2;
    pub(super) const MID: u32 = LOW + 8;
    pub(super) const HIGH: u32 = MID + 8;

    /// Both are as likely.
    pub(super) const EVEN: u16 = 1 << (CHANCE_BITS - 1);
    pub(super) const CHANCE_BITS: u32 = 11;
    /// A probability moves by this part of what it is off.
    pub(super) const MOVE_BITS: u32 = 5;
    /// A smaller range takes a byte first.
    pub(super) const TOP: u32 = 1 << 24;
}

/// One stream.
pub(super) fn compress(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let dictionary = bytes.len().clamp(LEAST_DICTIONARY, MOST_DICTIONARY);
    let mut options = LzmaOptions::new_preset(PRESET).context("liblzma has no such preset")?;
    options.dict_size(u32::try_from(dictionary)?);
    options.literal_context_bits(LITERAL_CONTEXT_BITS).literal_position_bits(0).position_bits(0);
    let mut filters = Filters::new();
    filters.lzma1(&options);
    let stream = Stream::new_raw_encoder(&filters).context("liblzma")?;
    let mut packed = Vec::new();
    std::io::Read::read_to_end(&mut XzEncoder::new_stream(bytes, stream), &mut packed)
        .context("liblzma")?;
    // A raw stream of liblzma ends with a mark, which nobody reads.
    let read = unpack(&packed, bytes.len(), |_, _| {}).filter(|(content, _)| content == bytes);
    let (_, read) = read.context("liblzma wrote what does not unpack to the same")?;
    packed.truncate(read);
    Ok(packed)
}

/// What a stream unpacks to is not more times its size, or it is little.
const MOST_TIMES: usize = 64;
const LITTLE: usize = 16 << 20;

/// Whether so much is read from a stream of that size: it has to be unpacked to be read at all.
pub(super) fn is_read(packed: usize, length: usize) -> bool {
    length <= packed.saturating_mul(MOST_TIMES).max(LITTLE)
}

/// Bytes from the beginning of the packed ones to the probabilities.
fn tables(packed: u32) -> u32 {
    packed.next_multiple_of(8)
}

/// Bytes that the packed ones and all that unpacks them take. The last is not used: the content may begin
/// behind it, and the byte before its first is read as zero.
pub(super) fn room(packed: u32) -> u32 {
    tables(packed) + model::ALL * 2 + 1
}
