//! Images in storage buffers.

use crate::lab::Case;

pub(crate) const CASES: &[Case] = &[
    case!("image/box_blur", |lab| {
        let image = lab.floats(50 * 7);
        let blur = |at: usize| (0..7).map(|k| image[at / 50 * 50 + (at % 50 + k).clamp(3, 52) - 3]).sum::<f32>() / 7.0;
        let want: Vec<f32> = (0..350).map(blur).collect();
        lab.read(&image).write(&want).bytes(&[50u32, 7]).within(1e-5).run([2, 7, 1]);
    }),
    case!("image/gaussian", |lab| {
        let image = lab.floats(21 * 13);
        let weights = [1.0, 4.0, 6.0, 4.0, 1.0].map(|w| w / 16.0);
        let mirrored = |v: usize, n: usize| if v < 2 { 2 - v } else if v - 2 >= n { 2 * n - v } else { v - 2 };
        let tap = |at: usize, k: usize| {
            let (x, y) = (mirrored(at % 21 + k % 5, 21), mirrored(at / 21 + k / 5, 13));
            weights[k % 5] * weights[k / 5] * image[y * 21 + x]
        };
        let want: Vec<f32> = (0..21 * 13).map(|at| (0..25).map(|k| tap(at, k)).sum()).collect();
        lab.read(&image).write(&want).immediate(&[21, 13]).within(1e-5).run([3, 2, 1]);
    }),
    case!("image/sobel", |lab| {
        let image = lab.floats(20 * 12);
        let edge = |at: usize| {
            let (x, y) = (at % 20, at / 20);
            if x == 0 || y == 0 || x == 19 || y == 11 {
                return 0.0;
            }
            let p = |dx: usize, dy: usize| image[(y + dy - 1) * 20 + x + dx - 1];
            let horizontal = p(2, 0) + 2.0 * p(2, 1) + p(2, 2) - p(0, 0) - 2.0 * p(0, 1) - p(0, 2);
            let vertical = p(0, 2) + 2.0 * p(1, 2) + p(2, 2) - p(0, 0) - 2.0 * p(1, 0) - p(2, 0);
            horizontal.hypot(vertical)
        };
        let want: Vec<f32> = (0..240).map(edge).collect();
        lab.read(&image).write(&want).bytes(&[20u32, 12]).within(1e-5).run([3, 2, 1]);
    }),
    case!("image/median", |lab| {
        let image = lab.below(20 * 12, 256);
        let median = |at: usize| {
            let mut window: Vec<u32> = (0..9).map(|k| image[(at / 18 + k / 3) * 20 + at % 18 + k % 3]).collect();
            window.sort_unstable();
            window[4]
        };
        let want: Vec<u32> = (0..18 * 10).map(median).collect();
        lab.read(&image).write(&want).immediate(&[20u32, 12]).run([3, 2, 1]);
    }),
    case!("image/bilateral", |lab| {
        let image = lab.floats(17 * 11);
        let smooth = |at: usize| {
            let (x, y) = ((at % 17) as i32, (at / 17) as i32);
            let (mut sum, mut weights) = (0.0, 0.0);
            for (qx, qy) in (y - 2..=y + 2).flat_map(|qy| (x - 2..=x + 2).map(move |qx| (qx, qy))) {
                if (0..17).contains(&qx) && (0..11).contains(&qy) {
                    let value = image[(qy * 17 + qx) as usize];
                    let d = ((qx - x).pow(2) + (qy - y).pow(2)) as f32;
                    let weight = (-d * 0.25 - (value - image[at]).powi(2) * 2.0).exp();
                    (sum, weights) = (sum + weight * value, weights + weight);
                }
            }
            sum / weights
        };
        let want: Vec<f32> = (0..17 * 11).map(smooth).collect();
        lab.read(&image).write(&want).bytes(&[17, 11, 0.25f32.to_bits(), 2f32.to_bits()]).within(1e-5).run([3, 2, 1]);
    }),
    case!("image/grey_packed", |lab| {
        let rgba = lab.words(200);
        let grey = |p: &u32| {
            let [r, g, b, a] = p.to_le_bytes();
            let grey = (77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b)) / 256;
            (grey * 0x0001_0101) | u32::from(a) << 24
        };
        let want: Vec<u32> = rgba.iter().map(grey).collect();
        lab.update(&rgba, &want).run(4);
    }),
    case!("image/equalize", |lab| {
        let pixels: Vec<u32> = lab.below(700, 64 * 64).iter().map(|p| p / 64 * (p / 64) / 64).collect();
        let want: Vec<u32> = pixels.iter().map(|p| pixels.iter().filter(|&q| q <= p).count() as u32 * 63 / 700).collect();
        lab.update(&pixels, &want).run(1);
    }),
    case!("image/resize", |lab| {
        let image = lab.floats(4 * 9 * 7);
        let pixel = |x: f32, y: f32, c: usize| image[4 * (y.clamp(0.0, 6.0) as usize * 9 + x.clamp(0.0, 8.0) as usize) + c];
        let value = |at: usize| {
            let (x, y) = (((at / 4 % 20) as f32 + 0.5) * 9.0 / 20.0 - 0.5, ((at / 80) as f32 + 0.5) * 7.0 / 12.0 - 0.5);
            let (left, top, c) = (x.floor(), y.floor(), at % 4);
            let row = |y: f32| pixel(left, y, c) + (pixel(left + 1.0, y, c) - pixel(left, y, c)) * (x - left);
            row(top) + (row(top + 1.0) - row(top)) * (y - top)
        };
        let want: Vec<f32> = (0..4 * 20 * 12).map(value).collect();
        lab.read(&image).write(&want).bytes(&[9u32, 7, 20, 12]).within(1e-4).run([3, 2, 1]);
    }),
    case!("image/dilate_bits", |lab| {
        let image: Vec<u32> = lab.words(3 * 20).chunks(1).map(|w| w[0] & w[0].rotate_left(7) & w[0].rotate_left(13)).collect();
        let set = |x: i32, y: i32| (0..96).contains(&x) && (0..20).contains(&y) && image[(y * 3 + x / 32) as usize] >> (x % 32) & 1 == 1;
        let grown = |x: i32, y: i32| [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)].iter().any(|(dx, dy)| set(x + dx, y + dy));
        let word = |at: i32| (0..32).map(|bit| u32::from(grown(at % 3 * 32 + bit, at / 3)) << bit).sum();
        let want: Vec<u32> = (0..60).map(word).collect();
        lab.read(&image).write(&want).immediate(&[3u32, 20]).run([1, 3, 1]);
    }),
    case!("image/rotate", |lab| {
        let image = lab.words(19 * 11);
        let want: Vec<u32> = (0..19).flat_map(|x| image.iter().skip(x).step_by(19).rev().copied()).collect();
        lab.read(&image).write(&want).bytes(&[19u32, 11]).run([2, 3, 1]);
    }),
    case!("image/blend", |lab| {
        let (above, below) = (lab.between(400, 0.0, 1.0), lab.between(400, 0.0, 1.0));
        let over = |(a, b): (&[f32], &[f32])| (0..4).map(|i| (a[i] * b[3] + b[i] * (1.0 - a[3])).min(1.0)).collect::<Vec<f32>>();
        let want: Vec<f32> = above.chunks(4).zip(below.chunks(4)).flat_map(over).collect();
        lab.read(&above).update(&below, &want).immediate(&[3u32]).within(1e-6).run(4);
    }),
    case!("image/dither", |lab| {
        let grey = lab.between(50 * 9, 0.0, 1.0);
        // Bayer's matrix, from its recursion.
        fn bayer(x: usize, y: usize, side: usize) -> usize {
            if side == 1 { 0 } else { 4 * bayer(x % (side / 2), y % (side / 2), side / 2) + [0, 2, 3, 1][y / (side / 2) * 2 + x / (side / 2)] }
        }
        let set = |x: usize, y: usize| x < 50 && grey[y * 50 + x] > (bayer(x % 8, y % 8, 8) as f32 + 0.5) / 64.0;
        let word = |at: usize| (0..32).map(|bit| u32::from(set(at % 2 * 32 + bit, at / 2)) << bit).sum();
        let want: Vec<u32> = (0..18).map(word).collect();
        lab.read(&grey).write(&want).immediate(&[50u32, 9]).run([1, 2, 1]);
    }),
    case!("image/integral", |lab| {
        let image = lab.below(23 * 15, 256);
        let sum = |at: usize| (0..=at / 23).map(|y| image[y * 23..=y * 23 + at % 23].iter().sum::<u32>()).sum();
        let want: Vec<u32> = (0..23 * 15).map(sum).collect();
        lab.update(&image, &want).bytes(&[23u32, 15]).run_entry("rows", 1).run_entry("columns", 2);
    }),
    case!("image/mandelbrot", |lab| {
        // The points are multiples of 1/16 around -1/2, which floats represent exactly. Rounding can only matter at the border of the set.
        let count = |at: usize| {
            let c = [-0.5 + ((at % 48) as f32 - 24.0) / 16.0, ((at / 48) as f32 - 16.0) / 16.0];
            let (mut z, mut n) = ([0f32; 2], 0);
            while n < 50 && z[0] * z[0] + z[1] * z[1] <= 4.0 {
                z = [z[0] * z[0] - z[1] * z[1] + c[0], 2.0 * z[0] * z[1] + c[1]];
                n += 1;
            }
            n
        };
        let want: Vec<u32> = (0..48 * 32).map(count).collect();
        lab.bytes(&[(-0.5f32).to_bits(), 0, 0.0625f32.to_bits(), 50, 48, 32]);
        lab.judge(&vec![0; 48 * 32], move |got: &[u32]| {
            let wrong = got.iter().zip(&want).filter(|(got, want)| got != want).count();
            if wrong <= 15 { Ok(()) } else { Err(format!("{wrong} of {} are wrong", want.len())) }
        });
        lab.run([6, 4, 1]);
    }),
    case!("image/distance_transform", |lab| {
        let chosen = lab.below(20 * 14, 6);
        let seeds: Vec<i32> = (0..280).flat_map(|at| if chosen[at as usize] == 0 { [at % 20, at / 20] } else { [-1, -1] }).collect();
        let nearest = |at: i32| {
            let (x, y) = (at % 20, at / 20);
            let around = (-1..=1).flat_map(|j| (-1..=1).map(move |i| (x + 2 * i, y + 2 * j)));
            let inside = around.filter(|&(x, y)| (0..20).contains(&x) && (0..14).contains(&y));
            let found = inside.map(|(x, y)| [seeds[2 * (y * 20 + x) as usize], seeds[2 * (y * 20 + x) as usize + 1]]);
            found.filter(|seed| seed[0] >= 0).min_by_key(|seed| (seed[0] - x).pow(2) + (seed[1] - y).pow(2)).unwrap_or([-1, -1])
        };
        let want: Vec<i32> = (0..280).flat_map(nearest).collect();
        lab.read(&seeds).write(&want).immediate(&[20, 14, 2]).run([3, 2, 1]);
    }),
];
