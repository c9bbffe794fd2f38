//! Each construct of the language, in forms that a compiler may get wrong.

use crate::lab::Case;

/// The words of floats.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

pub(crate) const CASES: &[Case] = &[
    case!("language/switches", |lab| {
        let ops = [0, 1, 2, 3, 4, -1, 0x7f, 99];
        let numbers = lab.signed(4 * 80, 1000);
        let op: Vec<i32> = numbers.chunks(4).enumerate().flat_map(|(i, n)| [ops[i % 8], n[1], n[2], 0]).collect();
        let calculate = |op: &[i32]| match op[0] {
            0 => op[1] + op[2],
            1 => op[1] - op[2],
            2 | -1 => -op[0],
            0x7f => op[1] ^ op[2],
            _ => op[1] * op[2],
        };
        let want: Vec<i32> = op.chunks(4).map(calculate).collect();
        lab.read(&op).write(&want).run(3);
    }),
    case!("language/loops", |lab| {
        let x: Vec<u32> = lab.below(90, 500).iter().map(|x| x + 2).collect();
        let steps = |&x: &u32| std::iter::successors(Some(x), |&n| (n != 1).then(|| if n % 2 == 1 { 3 * n + 1 } else { n / 2 })).count() as u32 - 1;
        let want: Vec<u32> = x.iter().flat_map(|x| [steps(x); 4]).collect();
        lab.read(&x).write(&want).run(3);
    }),
    case!("language/nested_loops", |lab| {
        let prime = |n: &u32| *n > 1 && (2..*n).all(|d| !n.is_multiple_of(d));
        let want: Vec<u32> = (0..100).map(|n| (0..=n).filter(prime).count() as u32).collect();
        lab.write(&want).run(7);
    }),
    case!("language/pointers", |lab| {
        let x = lab.signed(4 * 30, 100);
        let all = |v: &[i32]| {
            let sum: i32 = v.iter().sum();
            [sum, -sum, v[1] - v[0], 1]
        };
        let want: Vec<i32> = x.chunks(4).flat_map(all).collect();
        lab.update(&x, &want).run(2);
    }),
    case!("language/shadowing", |lab| {
        let f = |x: i32| {
            let (inner, twice) = (3 + x, 2 * (3 + x));
            if twice - x > 4 { x - twice + twice } else { inner + 1 }
        };
        let want: Vec<i32> = (0..20).map(|id| (0..id).map(f).sum::<i32>() + 200).collect();
        lab.update(&[0; 20], &want).run(2);
    }),
    case!("language/constants", |lab| {
        let table = [[1, 2], [3, 16], [5, 24]];
        let whole = |at: usize| 24 * at as i32 + 16 + 0xFF + 1 + (at as i32 % 2 + 3) * table[at % 3][at / 8];
        let want: Vec<i32> = (0..16).map(whole).collect();
        let floats: Vec<f32> = (1..=4).map(|i| i as f32 / 10.0 * 8.0 + 0.25 + 10.0).collect();
        lab.write(&want).write(&floats).within(1e-6).run(1);
    }),
    case!("language/overrides", |lab| {
        let want: Vec<f32> = (0..10).map(|i| (9 - i) as f32 * 2.5 - 3.0).collect();
        lab.write(&want).run(1);
    }),
    case!("language/entries", |lab| {
        let numbers: Vec<u32> = (5..105).collect();
        let squares: Vec<u32> = numbers.iter().map(|n| n * n).collect();
        let total = squares.iter().sum();
        lab.write(&numbers).write(&squares).update(&[5, 0], &[5, total]);
        lab.run_entry("produce", 4).run_entry("square", 4).run_entry("consume", 1);
    }),
    case!("language/groups", |lab| {
        let (points, offsets) = (lab.floats(4 * 20), lab.below(50, 20));
        let seen = |&offset: &u32| {
            let p = &points[4 * offset as usize..];
            [(p[0] - 1.0) * 2.5, (p[1] - 2.0) * 2.5, (p[2] - 3.0) * 2.5, p[3]]
        };
        let want: Vec<f32> = offsets.iter().flat_map(seen).collect();
        lab.bytes(&[1.0f32, 2.0, 3.0, 2.5]).at(0, 3).read(&points).at(1, 0).read(&offsets).at(1, 9);
        lab.write(&want).at(3, 2).within(1e-5).run(2);
    }),
    case!("language/uniform_layout", |lab| {
        // The layout: count and padding, two of (a, b, c), three columns of 16 bytes, tail at 16, flags.
        let mut u = vec![2, 0, 0, 0];
        u.extend(bits(&(0..24).map(|i| i as f32).collect::<Vec<_>>()));
        u.extend(bits(&(100..112).map(|i| i as f32).collect::<Vec<_>>()));
        u.extend([7, 8, 9, 0]);
        let inner = |a: f32| [a + (a + 1.0) * 10.0 + (a + 2.0) * 100.0, a + 3.0, a + 7.0 + (a + 8.0) * 10.0];
        let want = [&inner(0.0)[..], &inner(12.0), &[109.0, 17.0]].concat();
        lab.bytes(&u).write(&want).run(1);
    }),
    case!("language/storage_layout", |lab| {
        // A node has 96 bytes: position at 0, kind at 12, children at 16, small at 32 (its b at 40), basis at 48 with columns of 16 bytes.
        // The end at 80 is rounded up.
        const NODE: usize = 20;
        let mut tree = lab.words(NODE + 4 + NODE * 9);
        // Unnamed parts of the memory keep their contents. The floats must be ordinary numbers, not NaN or subnormal.
        tree.iter_mut().for_each(|word| *word = *word >> 10 | 0x3F00_0000);
        let padding = |at: usize| [7, 9, 15, 19].contains(&at);
        let node = |words: &[u32], change: bool| -> Vec<u32> {
            let mut words = words.to_vec();
            if change {
                let kind = words[3] as usize % 3;
                words[4 + kind] = words[4 + kind].wrapping_add(1);
                words.swap(10, 11);
                words[18] = (f32::from_bits(words[18]) * 2.0).to_bits();
            }
            (0..NODE).map(|at| if padding(at) { 0 } else { words[at] }).collect()
        };
        let mut want = node(&tree[..NODE], false);
        want.extend([9, 0, 0, 0]);
        tree[NODE + 4..].chunks(NODE).for_each(|words| want.extend(node(words, true)));
        lab.read(&tree).judge(&vec![0u32; want.len()], move |got: &[u32]| {
            // The padding between members is not compared.
            let named = |at: usize| match at {
                0..NODE => !padding(at),
                20 => true,
                21..24 => false,
                _ => !padding((at - 24) % NODE),
            };
            match (0..want.len()).find(|&at| named(at) && got[at] != want[at]) {
                None => Ok(()),
                Some(at) => Err(format!("word {at} is {:x}, not {:x}", got[at], want[at])),
            }
        });
        lab.run(3);
    }),
    case!("language/immediates", |lab| {
        let mut push: Vec<u32> = vec![-5i32 as u32, 3];
        push.extend(bits(&[0.5, 0.25, -0.5, -0.25, 1.0, 2.0, 3.0, 4.0]));
        push.extend([19, 0]);
        let at = |i: i32| {
            let (x, y, sign) = ((i - 5) as f32, (i + 3) as f32, if i % 2 == 0 { 1.0 } else { -1.0 });
            [x + 3.0 * y + 0.5 * sign, 2.0 * x + 4.0 * y + 0.25 * sign]
        };
        let want: Vec<f32> = (0..20).flat_map(at).collect();
        lab.write(&want).immediate(&push).run(2);
    }),
    case!("language/private_memory", |lab| {
        let run = |id: u32| {
            let (mut data, mut head, mut sum) = ([1, 2, 3, 4, 5, 6, 7, 8], 3, 0u32);
            for i in 0..12 {
                sum = sum.wrapping_mul(3).wrapping_add(std::mem::replace(&mut data[head], i * id));
                head = (head + 1) % 8;
            }
            sum
        };
        let want: Vec<u32> = (0..40).map(run).collect();
        lab.write(&want).run(3);
    }),
    case!("language/workgroup_memory", |lab| {
        let line = |i: u32| {
            let key = (0..16).find(|key| key * 7 % 16 == i).unwrap_or(0);
            let v = key as f32;
            if i < 11 { [3.0 * v, 3.0 * v, 6.0 * v, v + 1.5] } else { [0.0; 4] }
        };
        let want: Vec<f32> = (0..16).flat_map(line).collect();
        lab.update(&[0.0f32; 64], &want).run(1);
    }),
    case!("language/swizzles", |lab| {
        let v = lab.floats(4 * 30);
        let turn = |(id, v): (usize, &[f32])| {
            let mut a = [v[3], v[1], v[2], v[3]];
            let b = [a[2], a[1], a[0]];
            a[id % 4] += 1.0;
            let c = [b[0], -b[1], a[2], a[2]];
            let wide = [1.0, a[1]];
            [c[0] + wide[0], c[1], c[2] + wide[1], c[3]]
        };
        // vec4(vec3(a.x, a.xy), 1).wzyx is (1, a.y, a.x, a.x), and its xxyy is (1, 1, a.y, a.y).
        let want: Vec<f32> = v.chunks(4).enumerate().flat_map(turn).collect();
        lab.update(&v, &want).within(1e-6).run(2);
    }),
    case!("language/compound_assignment", |lab| {
        let v = lab.below(4 * 20, 1000);
        // The constants are 5, -1, 6 * 7 & 0xF2, 9 << 2 >> 1, 77 / 4 % 10 and 0 - 1. The six calls add 6.
        let (f, x): ([u32; 4], [u32; 4]) = ([5, u32::MAX, 0x22, 18], [9, u32::MAX, 0, 1]);
        let turn = |(i, v): (usize, &u32)| ((f[i % 4].wrapping_mul(2)).wrapping_add(*v) ^ x[i % 4]).wrapping_add(6);
        let want: Vec<u32> = v.iter().enumerate().map(turn).collect();
        lab.update(&v, &want).run(2);
    }),
    case!("language/short_circuit", |lab| {
        let run = |id: u32| {
            let count = std::cell::Cell::new(0);
            let truly = |b: bool| {
                count.set(count.get() + 1);
                b
            };
            let (a, b, c) = (id & 1 == 1, id & 2 == 2, id & 4 == 4);
            let r = truly(a) && truly(b) || truly(c) && !(truly(a) | truly(b));
            count.get() * 2 + u32::from(r)
        };
        let want: Vec<u32> = (0..16).map(run).collect();
        lab.write(&want).run(1);
    }),
    case!("language/aliases", |lab| {
        let x = lab.floats(8 * 20);
        let area = |p: &[f32]| (0..4).map(|i| p[2 * i] * p[(2 * i + 3) % 8] - p[(2 * i + 2) % 8] * p[2 * i + 1]).sum::<f32>() / 2.0;
        let want: Vec<f32> = x.chunks(8).map(area).collect();
        lab.read(&x).write(&want).within(1e-5).run(2);
    }),
    case!("language/early_returns", |lab| {
        let mut x = lab.floats(100);
        x[7] = 0.0;
        let class = |x: f32| if x < -0.5 { -2 } else if x < 0.0 { -1 } else if x == 0.0 { 0 } else { 1 + i32::from(x >= 0.5) };
        let want: Vec<i32> = x.iter().enumerate().map(|(i, &x)| if i == 3 { 33 } else { class(x) }).collect();
        lab.read(&x).write(&want).run(2);
    }),
    case!("language/array_values", |lab| {
        let x = lab.floats(4 * 40);
        let stats = |v: &[f32]| {
            let low = v.iter().copied().fold(f32::MAX, f32::min);
            let high = v.iter().copied().fold(f32::MIN, f32::max);
            let mut words = bits(&[low, high]);
            words.extend(v.iter().map(|own| v.iter().filter(|other| *other < own).count() as u32));
            words
        };
        let want: Vec<u32> = x.chunks(4).flat_map(stats).collect();
        lab.read(&x).write(&want).run(3);
    }),
    case!("language/matrix_indexing", |lab| {
        let m = lab.floats(16 * 20);
        let turn = |(id, m): (usize, &[f32])| {
            let (mut a, k) = (m.to_vec(), id % 4);
            (0..4).for_each(|row| a.swap(4 * k + row, 4 * (3 - k) + row));
            a[4 + k] *= 2.0;
            a[4 * k + 2] -= 1.0;
            a[4 * k + 3 - k] = 7.0;
            a
        };
        let want: Vec<f32> = m.chunks(16).enumerate().flat_map(turn).collect();
        lab.update(&m, &want).within(1e-6).run(2);
    }),
    case!("language/comments", |lab| {
        lab.write(&(0..24).map(|i| 2 * i + 1).collect::<Vec<u32>>()).run(3);
    }),
    case!("language/directives", |lab| {
        lab.write(&(0..24).map(|i| 2 * i).collect::<Vec<u32>>()).run(3);
    }),
    case!("language/vector_builtins", |lab| {
        let row = |id: usize| {
            let a = [1, 2, 3, 4].map(|n| n * id as i32);
            let c = a.map(|a| a / 2 + i32::from(a != 0));
            let d = [7, 7, a[0] / 2, a[1] / 2];
            let picked = [0, 1, 2, 3].map(|i| if a[i] > 5 { d[i] } else { c[i] });
            [a, c, d, [0; 4], picked, [0, 0, 0, 5], a.map(|a| -a), a.map(|a| a % 3)][id]
        };
        let want: Vec<i32> = (0..8).flat_map(row).collect();
        lab.write(&want).run(1);
    }),
    case!("language/stack_machine", |lab| {
        // A loop over memory cells 0 and 1 computes n!, with n on the stack. A call then takes the low bits.
        #[rustfmt::skip]
        let code = [
            /* 0 */ 14, 0, 1, 1, 14, 1,
            /* 6 */ 13, 0, 11, 21, 13, 1, 13, 0, 4, 14, 1,
            /* 17 */ 21, 26, 10, 6,
            /* 21 */ 13, 1, 10, 35, 0,
            /* 26 */ 13, 0, 1, 1, 3, 14, 0, 22, 0,
            /* 35 */ 1, 0xFFFF, 16, 0,
        ];
        let arguments: Vec<i32> = (0..40).map(|i| i % 11).collect();
        let result = |&n: &i32| [(1..=n).fold(1, i32::wrapping_mul) & 0xFFFF, 0];
        let want: Vec<i32> = arguments.iter().flat_map(result).collect();
        lab.read(&code).read(&arguments).write(&want).run(3);
    }),
];
