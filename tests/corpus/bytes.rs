//! Hashes, checksums, ciphers and text.

use crate::lab::Case;

/// Random text as words.
fn words(text: &[u8]) -> Vec<u32> {
    text.chunks(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
}

/// Random text whose length is a multiple of four.
fn text() -> Vec<u8> {
    let mut text = "The  quick brown föx\tjumps over – the lazy dog.\nPack my box with five dozen jugs! ".repeat(3).into_bytes();
    text.resize(text.len().next_multiple_of(4), b' ');
    text
}

/// The edit distance, from its definition.
fn distance(a: &[u32], b: &[u32]) -> u32 {
    let mut row: Vec<u32> = (0..=b.len() as u32).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i as u32 + 1);
        for (j, y) in b.iter().enumerate() {
            let next = (row[j].min(row[j + 1]) + 1).min(diagonal + u32::from(x != y));
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

pub(crate) const CASES: &[Case] = &[
    case!("bytes/crc32", |lab| {
        let messages = lab.words(8 * 30);
        let crc = |message: &[u32]| {
            let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
            let byte = |crc: u32, byte: u8| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc));
            !message.iter().flat_map(|word| word.to_le_bytes()).fold(u32::MAX, byte)
        };
        let want: Vec<u32> = messages.chunks(8).map(crc).collect();
        lab.read(&messages).write(&want).run(2);
    }),
    case!("bytes/adler32", |lab| {
        let text = lab.words(12 * 20);
        let sum = |words: &[u32]| {
            let (mut a, mut b) = (1, 0);
            for byte in words.iter().flat_map(|word| word.to_le_bytes()) {
                a = (a + u32::from(byte)) % 65521;
                b = (b + a) % 65521;
            }
            b << 16 | a
        };
        let want: Vec<u32> = text.chunks(12).map(sum).collect();
        lab.read(&text).write(&want).run(2);
    }),
    case!("bytes/fnv1a", |lab| {
        let keys = lab.words(200);
        let hash = |key: &[u32]| {
            let bytes = key.iter().flat_map(|word| word.to_le_bytes());
            bytes.fold(0x811C_9DC5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
        };
        let want: Vec<u32> = keys.chunks(2).map(hash).collect();
        lab.read(&keys).write(&want).run(2);
    }),
    case!("bytes/xorshift", |lab| {
        let states = lab.words(200);
        let step = |s: u32| {
            let s = s ^ s << 13;
            let s = s ^ s >> 17;
            s ^ s << 5
        };
        let want: Vec<u32> = states.iter().map(|&s| (0..10).fold(s, |s, _| step(s))).collect();
        lab.update(&states, &want).run(4);
    }),
    case!("bytes/pcg3d", |lab| {
        let v = lab.words(4 * 50);
        let mix = |v: &mut [u32; 3]| {
            for i in 0..3 {
                v[i] = v[i].wrapping_add(v[(i + 1) % 3].wrapping_mul(v[(i + 2) % 3]));
            }
        };
        let hash = |v: &[u32]| {
            let mut h = [0, 1, 2].map(|i| v[i].wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
            mix(&mut h);
            h = h.map(|h| h ^ h >> 16);
            mix(&mut h);
            [h[0], h[1], h[2], v[3]]
        };
        let want: Vec<u32> = v.chunks(4).flat_map(hash).collect();
        lab.update(&v, &want).run(2);
    }),
    case!("bytes/murmur3", |lab| {
        // There are no published vectors for seed 42 at hand, so the test repeats the algorithm in 64-bit arithmetic.
        let keys = lab.words(4 * 40);
        let mul = |a: u32, b: u32| (u64::from(a) * u64::from(b)) as u32;
        let hash = |key: &[u32]| {
            let block = |h: u32, k: &u32| {
                let k = mul(mul(*k, 0xCC9E_2D51).rotate_left(15), 0x1B87_3593);
                mul((h ^ k).rotate_left(13), 5).wrapping_add(0xE654_6B64)
            };
            let h = key.iter().fold(42, block) ^ 16;
            let h = mul(h ^ h >> 16, 0x85EB_CA6B);
            let h = mul(h ^ h >> 13, 0xC2B2_AE35);
            h ^ h >> 16
        };
        let want: Vec<u32> = keys.chunks(4).map(hash).collect();
        lab.read(&keys).write(&want).run(2);
    }),
    case!("bytes/sha256", |lab| {
        // The published digests of "", "abc" and the alphabet.
        let known: [(&str, [u32; 8]); 3] = [
            (
                "",
                [
                    0xE3B0_C442, 0x98FC_1C14, 0x9AFB_F4C8, 0x996F_B924, 0x27AE_41E4, 0x649B_934C, 0xA495_991B, 0x7852_B855,
                ],
            ),
            (
                "abc",
                [
                    0xBA78_16BF, 0x8F01_CFEA, 0x4141_40DE, 0x5DAE_2223, 0xB003_61A3, 0x9617_7A9C, 0xB410_FF61, 0xF200_15AD,
                ],
            ),
            (
                "abcdefghijklmnopqrstuvwxyz",
                [
                    0x71C4_80DF, 0x93D6_AE2F, 0x1EFA_D144, 0x7C66_C952, 0x5E31_6218, 0xCF51_FC8D, 0x9ED8_32F2, 0xDAF1_8B73,
                ],
            ),
        ];
        let message = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            // The bytes after the end are not compared.
            bytes.resize(60, 0xEE);
            [vec![text.len() as u32], words(&bytes)].concat()
        };
        let before: Vec<u32> = known.iter().flat_map(|(text, _)| message(text)).collect();
        let want: Vec<u32> = known.iter().flat_map(|(_, digest)| *digest).collect();
        lab.read(&before).write(&want).run(1);
    }),
    case!("bytes/chacha20", |lab| {
        let input = lab.words(12);
        let block = |counter: u32| {
            let mut start = vec![0x6170_7865, 0x3320_646E, 0x7962_2D32, 0x6B20_6574];
            start.extend(&input);
            start[12] = start[12].wrapping_add(counter);
            let mut s = start.clone();
            let mut quarter = |[a, b, c, d]: [usize; 4]| {
                for (x, y, z, by) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
                    s[x] = s[x].wrapping_add(s[y]);
                    s[z] = (s[z] ^ s[x]).rotate_left(by);
                }
            };
            for _ in 0..10 {
                (0..4).for_each(|i| quarter([i, 4 + i, 8 + i, 12 + i]));
                (0..4).for_each(|i| quarter([i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4]));
            }
            s.iter().zip(start).map(|(s, start)| s.wrapping_add(start)).collect::<Vec<u32>>()
        };
        let want: Vec<u32> = (0..12).flat_map(block).collect();
        lab.bytes(&input).write(&want).run(2);
    }),
    case!("bytes/base64", |lab| {
        let bytes = lab.words(3 * 20);
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let flat: Vec<u8> = bytes.iter().flat_map(|word| word.to_le_bytes()).collect();
        let code = |b: &[u8]| {
            let v = usize::from(b[0]) << 16 | usize::from(b[1]) << 8 | usize::from(b[2]);
            u32::from_le_bytes([18, 12, 6, 0].map(|shift| letters[v >> shift & 63]))
        };
        let want: Vec<u32> = flat.chunks(3).map(code).collect();
        lab.read(&bytes).write(&want).run(3);
    }),
    case!("bytes/hex", |lab| {
        let bytes = lab.words(50);
        let want: Vec<u32> = bytes.iter().flat_map(|w| words(format!("{:08x}", w.swap_bytes()).as_bytes())).collect();
        lab.read(&bytes).write(&want).run(2);
    }),
    case!("bytes/utf8_characters", |lab| {
        let text = text();
        let count = String::from_utf8_lossy(&text).chars().count() as u32;
        lab.read(&words(&text)).update(&[0], &[count]).run(4);
    }),
    case!("bytes/upper_case", |lab| {
        let text = text();
        lab.update(&words(&text), &words(&text.to_ascii_uppercase())).run(4);
    }),
    case!("bytes/find", |lab| {
        let text = text();
        let starts: Vec<usize> = (0..text.len()).filter(|&at| text[at..].starts_with(b"jumps")).collect();
        assert_eq!(starts.len(), 3);
        let mut flags = vec![0u32; text.len().div_ceil(32)];
        starts.iter().for_each(|at| flags[at / 32] |= 1 << (at % 32));
        let needle = [&[5], &words(b"jumps\0\0\0")[..]].concat();
        lab.read(&words(&text)).update(&vec![0; flags.len()], &flags).immediate(&needle).run(5);
    }),
    case!("bytes/words", |lab| {
        let text = text();
        let count = String::from_utf8_lossy(&text).split_ascii_whitespace().count() as u32;
        lab.read(&words(&text)).update(&[0], &[count]).run(4);
    }),
    case!("bytes/levenshtein", |lab| {
        let pairs = lab.below(32 * 12, 4);
        let want: Vec<u32> = pairs.chunks(32).map(|pair| distance(&pair[..16], &pair[16..])).collect();
        lab.read(&pairs).write(&want).run(12);
    }),
];
