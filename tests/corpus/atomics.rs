//! Atomic operations, in buffers and in workgroup memory.

use crate::lab::Case;

pub(crate) const CASES: &[Case] = &[
    case!("atomics/every_operation", |lab| {
        let x = lab.words(500);
        let fold = |start, f: fn(u32, u32) -> u32| x.iter().fold(start, |sum, &x| f(sum, x));
        let want = [
            fold(1, u32::wrapping_add),
            fold(2, u32::wrapping_sub),
            fold(u32::MAX, u32::min),
            fold(0, u32::max),
            fold(u32::MAX, |sum, x| sum & (x | 0xFF)),
            fold(0, |sum, x| sum | x & 0xFF00_FF00),
            fold(7, |sum, x| sum ^ x),
        ];
        lab.read(&x).update(&[1, 2, u32::MAX, 0, u32::MAX, 0, 7], &want).run(8);
    }),
    case!("atomics/signed", |lab| {
        let x = lab.signed(300, 100_000);
        let (sum, low, high) = (x.iter().sum::<i32>(), x.iter().copied().fold(0, i32::min), x.iter().copied().fold(0, i32::max));
        lab.read(&x).update(&[0; 4], &[sum, low, high, -sum]).run(5);
    }),
    case!("atomics/tickets", |lab| {
        lab.update(&[10], &[310]).judge(&[0; 300], |drawn: &[u32]| {
            let mut drawn = drawn.to_vec();
            drawn.sort_unstable();
            if drawn.into_iter().eq(10..310) { Ok(()) } else { Err("some are missing".into()) }
        });
        lab.run(5);
    }),
    case!("atomics/append", |lab| {
        lab.judge(&[0; 1 + 100], |list: &[u32]| {
            let mut items = list[1..=list[0] as usize].to_vec();
            items.sort_unstable();
            if items.into_iter().eq((0..320).step_by(7)) { Ok(()) } else { Err(format!("{list:?}")) }
        });
        lab.run(5);
    }),
    case!("atomics/hash_table", |lab| {
        let keys = lab.below(400, 100);
        let counts: Vec<u32> = (0..100).map(|key| keys.iter().filter(|&&k| k == key).count() as u32).collect();
        lab.read(&keys).judge(&[u32::MAX, 0].repeat(150), move |table: &[u32]| {
            let mut found = vec![0; 100];
            table.chunks(2).filter(|slot| slot[0] != u32::MAX).for_each(|slot| found[slot[0] as usize] += slot[1]);
            let slots = table.chunks(2).filter(|slot| slot[1] > 0).count();
            let keys = counts.iter().filter(|&&count| count > 0).count();
            if found == counts && slots == keys { Ok(()) } else { Err(format!("{found:?}, not {counts:?}; {slots} slots for {keys} keys")) }
        });
        lab.run(7);
    }),
    case!("atomics/float_by_exchange", |lab| {
        let x = lab.floats(300);
        let want = (0..300).map(|i| x[i] * x[299 - i]).fold(0.0, f32::max);
        lab.read(&x).update(&[0.0], &[want]).run(5);
    }),
    case!("atomics/exchange_chain", |lab| {
        let bucket = lab.below(200, 8);
        let before = bucket.clone();
        lab.read(&before).judge(&[-1; 8 + 200], move |chains: &[i32]| {
            let (heads, next) = chains.split_at(8);
            let mut members = vec![u32::MAX; 200];
            for (own, &head) in heads.iter().enumerate() {
                let mut at = head;
                while let Ok(index) = usize::try_from(at) {
                    if members[index] != u32::MAX {
                        return Err(format!("{index} is in two chains"));
                    }
                    members[index] = own as u32;
                    at = next[index];
                }
            }
            if members == bucket { Ok(()) } else { Err(format!("{members:?}")) }
        });
        lab.run(4);
    }),
    case!("atomics/shared_memory", |lab| {
        let x = lab.words(64 * 4);
        let all = |x: &[u32]| {
            let fold = |f: fn(u32, u32) -> u32| x.iter().fold(0, |sum, &x| f(sum, x));
            let signed = x.iter().map(|x| x % 100).sum::<u32>();
            [fold(u32::wrapping_add), fold(u32::max), fold(|a, b| a ^ b), x[9], signed.wrapping_neg()]
        };
        let want: Vec<u32> = x.chunks(64).flat_map(all).collect();
        lab.read(&x).write(&want).run(4);
    }),
    case!("atomics/wide", |lab| {
        let x: Vec<u64> = lab.words(400).chunks(2).map(|w| u64::from(w[0]) << 32 | u64::from(w[1])).collect();
        let sum = x.iter().fold(5u64, |sum, x| sum.wrapping_add(*x));
        lab.read(&x).update(&[5], &[sum]).update(&[0], &[x.iter().copied().max().unwrap_or(0)]).run(4);
    }),
    case!("atomics/wide_signed", |lab| {
        let x: Vec<i64> = lab.words(400).chunks(2).map(|w| i64::from(w[0]) << 32 | i64::from(w[1])).collect();
        let sum = x.iter().fold(0i64, |sum, x| sum.wrapping_add(*x));
        let (low, high) = (x.iter().fold(0, |low, x| low.min(*x)), x.iter().fold(0, |high, x| high.max(*x)));
        lab.read(&x).update(&[0i64; 4], &[sum, low, high, sum.wrapping_neg()]).run(4);
    }),
    case!("atomics/float_add", |lab| {
        let (x, bucket) = (lab.floats(500), lab.below(500, 8));
        let sum = |own: u32| x.iter().zip(&bucket).filter(|(_, bucket)| **bucket == own).map(|(x, _)| x).sum();
        let want: Vec<f32> = (0..8).map(sum).collect();
        lab.read(&x).read(&bucket).update(&[0.0; 8], &want).within(1e-4).run(8);
    }),
    case!("atomics/last_group", |lab| {
        let x = lab.below(600, 1000);
        let total = x.iter().sum::<u32>();
        lab.read(&x).update(&[0], &[10 << 24 | total]).write(&[total]).run(10);
    }),
];
