//! The forms that data is packed in.

use std::fmt;

use serde::Deserialize;
use walrus::{InstrSeqBuilder, ModuleLocals};

use super::unpack::{Copier, Places};
use super::{lz4, lzma};

/// How data is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Packing {
    /// Unpacked fast
    #[default]
    Lz4,
    /// Smaller, and unpacked by many times the instructions
    Lzma,
}

impl Packing {
    pub(super) fn compress(self, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Lz4 => lz4::compress(bytes),
            Self::Lzma => lzma::compress(bytes),
        }
    }

    /// Bytes of the C stack that packed bytes and all that unpacks them take.
    pub(super) fn room(self, packed: u32) -> u32 {
        match self {
            Self::Lz4 => packed,
            Self::Lzma => lzma::room(packed),
        }
    }

    /// Whether data of that length is read again from so many packed bytes.
    pub(super) fn is_read(self, packed: usize, length: usize) -> bool {
        match self {
            Self::Lz4 => true,
            Self::Lzma => lzma::is_read(packed, length),
        }
    }

    /// Emits the decoder.
    pub(super) fn decoder(
        self,
        copier: &Copier,
        at: &Places,
        locals: &mut ModuleLocals,
        code: &mut InstrSeqBuilder<'_>,
    ) {
        match self {
            Self::Lz4 => lz4::Decoder::new(copier, at, locals).emit(code),
            Self::Lzma => lzma::Decoder::new(copier, at, locals).emit(code),
        }
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = clap::ValueEnum::to_possible_value(self);
        f.write_str(value.as_ref().map_or("", |it| it.get_name()))
    }
}
