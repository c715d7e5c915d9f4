//! Prefix codes as tables: the next bits of the input are the index, the entry says what they mean.
//!
//! An entry: bits 0-5 how many bits it takes, extra bits included; 8-11 how many of them are the code itself; 12-15
//! one of the flags or none; 16-31 the value: a literal, the least length or distance, or where a second table starts.

/// The code stands for a byte.
pub(super) const LITERAL: u32 = 1 << 15;
/// The code is longer than the first table's index: look into a second one.
pub(super) const SUB: u32 = 1 << 14;
/// The code ends the block.
pub(super) const END: u32 = 1 << 13;
/// There is no such code.
pub(super) const INVALID: u32 = 1 << 12;

/// Longest code.
const LONGEST: usize = 15;

/// A symbol's entry without its code: extra bits in bits 0-5, flags and value.
pub(super) const fn entry(value: u32, flags: u32, extra: u32) -> u32 {
    value << 16 | flags | extra
}

/// Literals, the end of the block, lengths.
pub(super) const LENGTHS: [u32; 288] = {
    let mut all = [INVALID; 288];
    let mut symbol = 0;
    while symbol < 256 {
        all[symbol] = entry(symbol as u32, LITERAL, 0);
        symbol += 1;
    }
    all[256] = entry(0, END, 0);
    let mut length = 3;
    symbol = 257;
    while symbol < 285 {
        let extra = if symbol < 265 { 0 } else { (symbol as u32 - 261) / 4 };
        all[symbol] = entry(length, 0, extra);
        length += 1 << extra;
        symbol += 1;
    }
    all[285] = entry(258, 0, 0);
    all
};

/// Distances.
pub(super) const DISTANCES: [u32; 32] = {
    let mut all = [INVALID; 32];
    let (mut symbol, mut distance) = (0, 1);
    while symbol < 30 {
        let extra = if symbol < 4 { 0 } else { (symbol as u32 - 2) / 2 };
        all[symbol] = entry(distance, 0, extra);
        distance += 1 << extra;
        symbol += 1;
    }
    all
};

/// The code of code lengths.
pub(super) const CODES: [u32; 19] = {
    let mut all = [0; 19];
    let mut symbol = 0;
    while symbol < 19 {
        all[symbol] = entry(symbol as u32, 0, 0);
        symbol += 1;
    }
    all
};

/// The value of a length's or distance's entry; `bits` are those that it was found by.
#[inline(always)]
pub(super) fn value(entry: u32, bits: u64) -> usize {
    let extra = (bits & ((1 << (entry & 63)) - 1)) >> (entry >> 8 & 15);
    (entry >> 16) as usize + extra as usize
}

/// A code whose first table has `BITS` bits of index, with room for `SIZE` entries in all.
pub(super) struct Table<const BITS: u32, const SIZE: usize> {
    entries: Box<[u32; SIZE]>,
    /// Bits of index of the second tables.
    second: u32,
}

impl<const BITS: u32, const SIZE: usize> Table<BITS, SIZE> {
    pub(super) fn new() -> Self {
        Table { entries: Box::new([INVALID; SIZE]), second: 0 }
    }

    /// The entry in the first table.
    #[inline(always)]
    pub(super) fn first(&self, bits: u64) -> u32 {
        const { assert!(SIZE >= 1 << BITS) };
        self.entries[(bits & ((1 << BITS) - 1)) as usize]
    }

    /// The entry in the second table that `entry` names.
    #[inline(always)]
    pub(super) fn second(&self, entry: u32, bits: u64) -> u32 {
        let index = (bits >> BITS) & ((1 << self.second) - 1);
        self.entries[(entry >> 16) as usize + index as usize]
    }

    /// The entry for `bits`, wherever it is.
    pub(super) fn find(&self, bits: u64) -> u32 {
        let entry = self.first(bits);
        if entry & SUB == 0 { entry } else { self.second(entry, bits) }
    }

    /// Makes the table of the code whose symbols have these lengths (0 = not in the code) and these meanings. False
    /// if that is no code: more codes than there are bits for, or fewer, save none at all or, where that is `lone`, one
    /// of one bit.
    pub(super) fn build(&mut self, lengths: &[u8], meanings: &[u32], lone: bool) -> bool {
        let mut counts = [0u32; LONGEST + 1];
        for length in lengths {
            counts[*length as usize] += 1;
        }
        counts[0] = 0;
        let longest = counts.iter().rposition(|count| *count > 0).unwrap_or(0);
        let mut left = 1i32;
        let mut next = [0u32; LONGEST + 2];
        for length in 1..=LONGEST {
            left = (left << 1) - counts[length] as i32;
            if left < 0 {
                return false;
            }
            next[length + 1] = (next[length] + counts[length]) << 1;
        }
        if left > 0 && longest > usize::from(lone) {
            return false;
        }
        let first = BITS as usize;
        self.entries[..1 << first].fill(INVALID);
        self.second = longest.saturating_sub(first) as u32;
        let mut used = 1 << first;
        for (symbol, length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
            let size = *length as u32;
            let code = (next[size as usize].reverse_bits() >> (32 - size)) as usize;
            next[size as usize] += 1;
            let meaning = meanings[symbol];
            // What it takes is the code and the extra bits, which stand in the meaning already.
            let entry = meaning + size + (size << 8);
            if size as usize <= first {
                self.entries[code..1 << first].iter_mut().step_by(1 << size).for_each(|place| *place = entry);
                continue;
            }
            let head = code & ((1 << first) - 1);
            if self.entries[head] & SUB == 0 {
                self.entries[head] = used << 16 | SUB;
                self.entries[used as usize..(used + (1 << self.second)) as usize].fill(INVALID);
                used += 1 << self.second;
            }
            let start = (self.entries[head] >> 16) as usize;
            let second = &mut self.entries[start..start + (1 << self.second)];
            second[code >> first..].iter_mut().step_by(1 << (size as usize - first)).for_each(|place| *place = entry);
        }
        true
    }
}
