//! The inflater against the streams of another compressor, cut, damaged, and in pieces of every size.

use std::io::Write;

use super::super::testing::Random;
use super::*;

/// Hands out `data` in pieces and gathers what comes.
struct Trial<'a> {
    data: &'a [u8],
    piece: usize,
    found: Vec<u8>,
}

impl Ends for Trial<'_> {
    type Stop = String;

    fn read(&mut self, out: &mut [u8]) -> Result<usize, String> {
        let count = self.piece.min(out.len()).min(self.data.len());
        out[..count].copy_from_slice(&self.data[..count]);
        self.data = &self.data[count..];
        Ok(count)
    }

    fn give(&mut self, buffer: Vec<u8>, start: usize, end: usize) -> Result<Vec<u8>, String> {
        self.found.extend_from_slice(&buffer[start..end]);
        // What was there before must not matter.
        Ok(vec![0xAA; buffer.len()])
    }

    fn truncated(&mut self) -> String {
        "truncated".into()
    }

    fn corrupt(&mut self, what: &str) -> String {
        what.into()
    }
}

/// What came out, its sums, and how many bytes were at hand behind the stream.
type Inflated = (Vec<u8>, (u32, u32), usize);

fn inflate(data: &[u8], piece: usize, room: usize) -> Result<Inflated, String> {
    let mut trial = Trial { data, piece, found: Vec::new() };
    let mut input = Input::new(piece);
    let mut output = Output::new(vec![0; HISTORY + room + SLOP]);
    Inflater::new().stream(&mut input, &mut output, &mut trial)?;
    input.align();
    let behind = input.peek(1, &mut trial)?.len();
    let sums = output.sums();
    output.flush(&mut trial)?;
    Ok((trial.found, sums, behind))
}

fn deflate(data: &[u8], level: u32) -> Vec<u8> {
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(level));
    packer.write_all(data).expect("memory");
    packer.finish().expect("memory")
}

/// Bytes of many kinds: text, runs, noise, far repetitions.
fn material(random: &mut Random, length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    while bytes.len() < length {
        match random.below(6) {
            0 => bytes.extend((0..random.below(40)).map(|_| *random.pick(b"abcdefgh,;\n\"01"))),
            1 => {
                let byte = random.below(256) as u8;
                bytes.extend(std::iter::repeat_n(byte, random.below(700)));
            }
            2 => bytes.extend((0..random.below(200)).map(|_| random.below(256) as u8)),
            _ if bytes.is_empty() => bytes.push(b'x'),
            _ => {
                let far = 1 + random.below(40_000);
                let distance = 1 + random.below(bytes.len().min(far));
                for _ in 0..3 + random.below(300) {
                    bytes.push(bytes[bytes.len() - distance]);
                }
            }
        }
    }
    bytes.truncate(length);
    bytes
}

#[test]
fn every_stream_gives_back_what_went_in() {
    let mut random = Random::new(11);
    for round in 0..120 {
        let length = [0, 1, 2, 300, 5_000, 200_000][round % 6];
        let data = material(&mut random, length);
        for level in [0, 1, 6, 9] {
            let packed = deflate(&data, level);
            for (piece, room) in [(1 << 16, 1 << 18), (1 + random.below(40), 1 + random.below(500))] {
                let (found, sums, behind) = inflate(&packed, piece, room).expect("a whole stream");
                assert!(found == data, "level {level}, pieces of {piece}, {room} bytes of room");
                assert_eq!(sums, (crc32fast::hash(&data), data.len() as u32));
                assert_eq!(behind, 0);
            }
        }
    }
}

#[test]
fn what_lies_behind_a_stream_is_left_alone() {
    let mut packed = deflate(b"some text, some text", 6);
    packed.extend_from_slice(b"tail");
    for piece in [1, 3, 100] {
        let (found, _, behind) = inflate(&packed, piece, 100).expect("a whole stream");
        assert_eq!(found, b"some text, some text");
        assert!((1..=4).contains(&behind));
    }
}

#[test]
fn a_cut_stream_is_called_cut() {
    let mut random = Random::new(12);
    let data = material(&mut random, 3_000);
    for level in [0, 1, 9] {
        let packed = deflate(&data, level);
        for length in 0..packed.len() {
            let error = inflate(&packed[..length], 1 + random.below(300), 1 << 16).err();
            assert_eq!(error.as_deref(), Some("truncated"), "level {level}, {length} of {} bytes", packed.len());
        }
    }
}

#[test]
fn damage_never_gives_other_bytes_the_right_sum() {
    let mut random = Random::new(13);
    let data = material(&mut random, 4_000);
    let right = crc32fast::hash(&data);
    for level in [0, 1, 6] {
        let packed = deflate(&data, level);
        for _ in 0..3_000 {
            let mut damaged = packed.clone();
            for _ in 0..1 + random.below(3) {
                let at = random.below(damaged.len());
                damaged[at] ^= 1 << random.below(8);
            }
            if let Ok((found, sums, _)) = inflate(&damaged, 500, 5_000) {
                assert!(sums.0 != right || found == data);
            }
        }
    }
}

#[test]
fn noise_is_refused_as_another_inflater_refuses_it() {
    let mut random = Random::new(14);
    for _ in 0..20_000 {
        let noise: Vec<u8> = (0..1 + random.below(60)).map(|_| random.below(256) as u8).collect();
        let mut other = flate2::Decompress::new(false);
        let mut room = vec![0; 1 << 17];
        let status = other.decompress(&noise, &mut room, flate2::FlushDecompress::Finish);
        match (inflate(&noise, 100, 1 << 16), status) {
            (Ok((found, ..)), Ok(flate2::Status::StreamEnd)) => {
                assert!(found == room[..other.total_out() as usize]);
            }
            (Ok(_), theirs) => panic!("{noise:?} was taken, but not by the other: {theirs:?}"),
            (Err(why), Ok(flate2::Status::StreamEnd)) => panic!("{noise:?} was refused ({why}), but not by the other"),
            (Err(_), _) => {}
        }
    }
}
