//! Simulation steps: cellular automata, fields on grids, particles.

use crate::lab::Case;

/// The sum of the eight neighbours of a cell on a torus.
fn around(cells: &[u32], width: usize, at: usize) -> u32 {
    let height = cells.len() / width;
    let cell = |dx: usize, dy: usize| cells[(at / width + height + dy - 1) % height * width + (at % width + width + dx - 1) % width];
    (0..9).filter(|&k| k != 4).map(|k| cell(k % 3, k / 3)).sum()
}

/// A generation of Conway's Life.
fn life(cells: &[u32], width: usize) -> Vec<u32> {
    (0..cells.len()).map(|at| u32::from(matches!((cells[at], around(cells, width, at)), (_, 3) | (1, 2)))).collect()
}

/// One step of a PCG generator: the state and the output.
fn pcg(state: u32) -> (u32, u32) {
    let state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let word = ((state >> ((state >> 28) + 4)) ^ state).wrapping_mul(277_803_737);
    (state, word >> 22 ^ word)
}

pub(crate) const CASES: &[Case] = &[
    case!("simulation/life", |lab| {
        let now = lab.below(30 * 20, 2);
        lab.bytes(&[30u32, 20]).read(&now).write(&life(&now, 30)).run([4, 3, 1]);
    }),
    case!("simulation/life_in_bits", |lab| {
        let now = lab.words(2 * 20);
        let cells: Vec<u32> = now.iter().flat_map(|word| (0..32).map(move |bit| word >> bit & 1)).collect();
        let next = life(&cells, 64);
        let want: Vec<u32> = next.chunks(32).map(|bits| bits.iter().enumerate().map(|(i, bit)| bit << i).sum()).collect();
        lab.read(&now).write(&want).immediate(&[2u32, 20]).run([1, 3, 1]);
    }),
    case!("simulation/heat", |lab| {
        let t = lab.floats(25 * 15);
        let next = |at: usize| {
            let (x, y) = (at % 25, at / 25);
            let sides = [
                if x > 0 { at - 1 } else { at },
                if x < 24 { at + 1 } else { at },
                if y > 0 { at - 25 } else { at },
                if y < 14 { at + 25 } else { at },
            ];
            t[at] + 0.2 * (sides.iter().map(|&side| t[side]).sum::<f32>() - 4.0 * t[at])
        };
        let want: Vec<f32> = (0..375).map(next).collect();
        lab.read(&t).write(&want).bytes(&[25, 15, 0.2f32.to_bits()]).within(1e-5).run([4, 2, 1]);
    }),
    case!("simulation/wave", |lab| {
        let state = lab.floats(128);
        let mut before: Vec<f32> = state.iter().step_by(2).copied().collect();
        let mut now: Vec<f32> = state.iter().skip(1).step_by(2).copied().collect();
        for _ in 0..8 {
            let next = |i: usize| 2.0 * now[i] - before[i] + 0.25 * (now[i - 1] - 2.0 * now[i] + now[i + 1]);
            let after = (0..64).map(|i| if i == 0 || i == 63 { 0.0 } else { next(i) }).collect();
            before = std::mem::replace(&mut now, after);
        }
        let want: Vec<f32> = before.iter().zip(&now).flat_map(|(b, n)| [*b, *n]).collect();
        lab.update(&state, &want).within(1e-4).run(1);
    }),
    case!("simulation/nbody", |lab| {
        let (bodies, velocities) = (lab.floats(4 * 70), lab.floats(4 * 70));
        let pulled = |at: usize| {
            let mut v: Vec<f32> = velocities[4 * at..4 * at + 4].to_vec();
            for other in bodies.chunks(4) {
                let d: Vec<f32> = (0..3).map(|i| other[i] - bodies[4 * at + i]).collect();
                let inverse = 1.0 / (d.iter().map(|d| d * d).sum::<f32>() + 0.1).sqrt();
                (0..3).for_each(|i| v[i] += d[i] * other[3] * inverse.powi(3) * 0.01);
            }
            v
        };
        let want: Vec<f32> = (0..70).flat_map(pulled).collect();
        lab.read(&bodies).update(&velocities, &want).bytes(&[0.01f32.to_bits(), 0.1f32.to_bits(), 70]).within(1e-4).run(3);
    }),
    case!("simulation/particles", |lab| {
        let (position, velocity, seeds) = (lab.between(80, 0.0, 4.0), lab.between(80, -40.0, 40.0), lab.words(40));
        let own = |at: usize| ([position[2 * at], position[2 * at + 1]], [velocity[2 * at], velocity[2 * at + 1]]);
        let particle = |at: usize| {
            let (p, v) = own(at);
            [p[0].to_bits(), p[1].to_bits(), v[0].to_bits(), v[1].to_bits(), 1f32.to_bits(), seeds[at]]
        };
        let before: Vec<u32> = (0..40).flat_map(particle).collect();
        let moved = |at: usize| {
            let (mut p, mut v) = own(at);
            v[1] -= 10.0 * 0.0625;
            for axis in 0..2 {
                p[axis] += v[axis] * 0.0625;
                let out = p[axis] < 0.0 || p[axis] > 4.0;
                p[axis] = if p[axis] < 0.0 { -p[axis] } else if out { 8.0 - p[axis] } else { p[axis] };
                v[axis] *= if out { -0.5 } else { 1.0 };
            }
            (p, v)
        };
        let want: Vec<f32> = (0..40).flat_map(|at| [moved(at).0, moved(at).1].concat()).collect();
        lab.judge(&before, move |after: &[u32]| {
            for (at, own) in after.chunks(6).enumerate() {
                let near = (0..4).all(|i| (f32::from_bits(own[i]) - want[4 * at + i]).abs() < 1e-4 * want[4 * at + i].abs().max(1.0));
                if !near || own[4] != 1.0625f32.to_bits() || own[5] != pcg(seeds[at]).0 {
                    return Err(format!("particle {at}: {own:x?}"));
                }
            }
            Ok(())
        });
        let world = [0.0f32, -10.0, 0.0625, 0.5, 4.0, 4.0];
        lab.bytes(&world).at(1, 0).run(2);
    }),
    case!("simulation/boids", |lab| {
        let boids = lab.floats(4 * 60);
        let next = |at: usize| {
            let own = &boids[4 * at..4 * at + 4];
            let (mut sums, mut away, mut near) = ([0f32; 4], [0f32; 2], 0);
            for (_, other) in boids.chunks(4).enumerate().filter(|(i, _)| *i != at) {
                let d = [other[0] - own[0], other[1] - own[1]];
                let squared = d[0] * d[0] + d[1] * d[1];
                if squared < 0.25 {
                    (0..4).for_each(|i| sums[i] += other[i]);
                    near += 1;
                }
                if squared < 0.01 {
                    (0..2).for_each(|i| away[i] -= d[i]);
                }
            }
            let share = if near > 0 { 1.0 / near as f32 } else { 0.0 };
            let pull = if near > 0 { 0.02 } else { 0.0 };
            let v = [0, 1].map(|i| own[2 + i] + away[i] * 0.5 + (sums[i] * share - own[i]) * pull + sums[2 + i] * share * 0.05);
            [own[0] + v[0] * 0.04, own[1] + v[1] * 0.04, v[0], v[1]]
        };
        let want: Vec<f32> = (0..60).flat_map(next).collect();
        lab.read(&boids).write(&want).within(1e-4).run(2);
    }),
    case!("simulation/cloth", |lab| {
        let points: Vec<f32> = lab.floats(128).chunks(4).enumerate().flat_map(|(i, n)| {
            let x = i as f32 * 0.1;
            [x + 0.02 * n[0], 0.02 * n[1], x, 0.0]
        }).collect();
        let mut p: Vec<[f32; 2]> = points.chunks(4).map(|q| [2.0 * q[0] - q[2], 2.0 * q[1] - q[3] - 0.01]).collect();
        p[0] = [points[0], points[1]];
        for round in 0..6 {
            for i in (round % 2..31).step_by(2) {
                let d = [p[i + 1][0] - p[i][0], p[i + 1][1] - p[i][1]];
                let length = d[0].hypot(d[1]);
                let by = d.map(|d| d * ((length - 0.1) / length));
                for axis in 0..2 {
                    let share = if i == 0 { 0.0 } else { 0.5 };
                    p[i][axis] += by[axis] * share;
                    p[i + 1][axis] -= by[axis] * (1.0 - share);
                }
            }
        }
        let want: Vec<f32> = p.iter().zip(points.chunks(4)).flat_map(|(p, q)| [p[0], p[1], q[0], q[1]]).collect();
        lab.update(&points, &want).within(1e-4).run(1);
    }),
    case!("simulation/lattice_boltzmann", |lab| {
        const C: [[i32; 2]; 9] = [[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [1, 1], [-1, 1], [-1, -1], [1, -1]];
        const OPPOSITE: [usize; 9] = [0, 3, 4, 1, 2, 7, 8, 5, 6];
        let (f, wall) = (lab.between(9 * 160, 0.05, 0.15), lab.below(160, 5));
        let wall: Vec<u32> = wall.iter().map(|w| u32::from(*w == 0)).collect();
        let mut want = vec![0.0; 9 * 160];
        for at in 0..160 {
            let (x, y) = ((at % 16) as i32, (at / 16) as i32);
            let inward = |i: usize| {
                let source = ((y - C[i][1]).rem_euclid(10) * 16 + (x - C[i][0]).rem_euclid(16)) as usize;
                if wall[source] == 1 { f[OPPOSITE[i] * 160 + at] } else { f[i * 160 + source] }
            };
            let own: Vec<f32> = (0..9).map(inward).collect();
            let density: f32 = own.iter().sum();
            let u = [0, 1].map(|axis| (0..9).map(|i| own[i] * C[i][axis] as f32).sum::<f32>() / density);
            for i in 0..9 {
                let along = C[i][0] as f32 * u[0] + C[i][1] as f32 * u[1];
                let weight = if i == 0 { 4.0 / 9.0 } else if i < 5 { 1.0 / 9.0 } else { 1.0 / 36.0 };
                let still = weight * density * (1.0 + 3.0 * along + 4.5 * along * along - 1.5 * (u[0] * u[0] + u[1] * u[1]));
                want[i * 160 + at] = if wall[at] == 1 { own[i] } else { own[i] + (still - own[i]) * 0.75 };
            }
        }
        lab.read(&f).read(&wall).write(&want).bytes(&[16, 10, 0.75f32.to_bits()]).within(1e-5).run([2, 2, 1]);
    }),
    case!("simulation/reaction_diffusion", |lab| {
        let uv = lab.between(2 * 20 * 12, 0.0, 1.0);
        let at = |x: usize, y: usize, i: usize| uv[2 * (y % 12 * 20 + x % 20) + i];
        let next = |cell: usize| {
            let (x, y) = (cell % 20 + 20, cell / 20 + 12);
            let spread = [0, 1].map(|i| {
                let sides = at(x - 1, y, i) + at(x + 1, y, i) + at(x, y - 1, i) + at(x, y + 1, i);
                let corners = at(x - 1, y - 1, i) + at(x + 1, y - 1, i) + at(x - 1, y + 1, i) + at(x + 1, y + 1, i);
                [0.2, 0.1][i] * (0.8 * sides + 0.2 * corners - 4.0 * at(x, y, i))
            });
            let (u, v) = (at(x, y, 0), at(x, y, 1));
            [u + spread[0] + 0.04 * (1.0 - u) - u * v * v, v + spread[1] + u * v * v - 0.1 * v]
        };
        let want: Vec<f32> = (0..240).flat_map(next).collect();
        lab.read(&uv).write(&want).bytes(&[20, 12, 0.04f32.to_bits(), 0.06f32.to_bits()]).within(1e-5).run([3, 2, 1]);
    }),
    case!("simulation/random_walks", |lab| {
        let seeds = lab.words(50);
        let before: Vec<i32> = seeds.iter().flat_map(|&seed| [3, -3, seed as i32, 0]).collect();
        let walk = |&seed: &u32| {
            let (mut p, mut state) = ([3, -3], seed);
            for _ in 0..100 {
                let word;
                (state, word) = pcg(state);
                p[(word % 4 / 2) as usize] += if word % 2 == 0 { 1 } else { -1 };
            }
            [p[0], p[1], state as i32, 0]
        };
        let want: Vec<i32> = seeds.iter().flat_map(walk).collect();
        lab.update(&before, &want).run(2);
    }),
    case!("simulation/monte_carlo_pi", |lab| {
        let inside = |thread: u32| {
            let mut seed = thread.wrapping_mul(0x9E37_79B9).wrapping_add(1);
            let mut draw = || {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed >> 20
            };
            (0..100).filter(|_| draw().pow(2) + draw().pow(2) < 1 << 24).count() as u32
        };
        let want = (0..64 * 8).map(inside).sum::<u32>();
        let pi = f64::from(want) * 4.0 / (64.0 * 8.0 * 100.0);
        assert!((pi - std::f64::consts::PI).abs() < 0.05, "{pi}");
        lab.update(&[0], &[want]).run(8);
    }),
    case!("simulation/rule110", |lab| {
        let tapes = lab.words(16 * 3);
        let run = |tape: &[u32]| {
            let mut cells: Vec<u32> = tape.iter().flat_map(|word| (0..32).map(move |bit| word >> bit & 1)).collect();
            for _ in 0..100 {
                // The pattern of three cells. The cell with the lowest index is the highest bit.
                let pattern = |i: usize| cells[(i + 511) % 512] << 2 | cells[i] << 1 | cells[(i + 1) % 512];
                cells = (0..512).map(|i| 110 >> pattern(i) & 1).collect();
            }
            cells.chunks(32).map(|bits| bits.iter().enumerate().map(|(i, bit)| bit << i).sum()).collect::<Vec<u32>>()
        };
        let want: Vec<u32> = tapes.chunks(16).flat_map(run).collect();
        lab.update(&tapes, &want).run(3);
    }),
    case!("simulation/ising", |lab| {
        let spins: Vec<i32> = lab.below(18 * 12, 2).iter().map(|&s| 2 * s as i32 - 1).collect();
        let mut want = spins.clone();
        for at in (0..18 * 12).filter(|at| (at % 18 + at / 18) % 2 == 1) {
            let (x, y) = (at % 18, at / 18);
            let sum = spins[y * 18 + (x + 1) % 18] + spins[y * 18 + (x + 17) % 18] + spins[(y + 1) % 12 * 18 + x] + spins[(y + 11) % 12 * 18 + x];
            let mut h = 77 ^ at as u32;
            h = (h ^ h >> 16).wrapping_mul(0x7FEB_352D);
            h = (h ^ h >> 15).wrapping_mul(0x846C_A68B);
            h ^= h >> 16;
            let odds = match 2 * spins[at] * sum {
                8 => 1 << 30,
                4 => 1 << 31,
                _ => u32::MAX,
            };
            want[at] = if 2 * spins[at] * sum <= 0 || h < odds { -spins[at] } else { spins[at] };
        }
        lab.bytes(&[18u32, 12, 1, 77, 1 << 31, 1 << 30]).update(&spins, &want).run([3, 2, 1]);
    }),
    case!("simulation/advect", |lab| {
        let (velocity, dye) = (lab.between(2 * 17 * 13, -3.0, 3.0), lab.floats(17 * 13));
        let pixel = |x: f32, y: f32| dye[y.clamp(0.0, 12.0) as usize * 17 + x.clamp(0.0, 16.0) as usize];
        let next = |at: usize| {
            let (x, y) = ((at % 17) as f32 - velocity[2 * at] * 0.5, (at / 17) as f32 - velocity[2 * at + 1] * 0.5);
            let (left, top) = (x.floor(), y.floor());
            let row = |y: f32| pixel(left, y) + (pixel(left + 1.0, y) - pixel(left, y)) * (x - left);
            row(top) + (row(top + 1.0) - row(top)) * (y - top)
        };
        let want: Vec<f32> = (0..17 * 13).map(next).collect();
        lab.read(&velocity).read(&dye).write(&want).immediate(&[17, 13, 0.5f32.to_bits(), 0]).within(1e-4).run([3, 2, 1]);
    }),
    case!("simulation/lennard_jones", |lab| {
        // Points on a lattice with noise, so that no two are too close.
        let noise = lab.between(4 * 64, -0.1, 0.1);
        let atoms: Vec<f32> = (0..64).flat_map(|at| [at % 4, at / 4 % 4, at / 16].map(|i| i as f32 * 1.2)).collect();
        let atoms: Vec<f32> = atoms.chunks(3).zip(noise.chunks(4)).flat_map(|(a, n)| [a[0] + n[0], a[1] + n[1], a[2] + n[2], 0.0]).collect();
        let force = |at: usize| {
            let mut sum = [0f64; 4];
            for (_, other) in atoms.chunks(4).enumerate().filter(|(i, _)| *i != at) {
                let d = [0, 1, 2].map(|i| f64::from(atoms[4 * at + i] - other[i])).map(|d| d - 4.8 * (d / 4.8).round_ties_even());
                let squared: f64 = d.iter().map(|d| d * d).sum();
                if squared <= 4.0 {
                    let s = 1.0 / squared.max(0.5);
                    let s3 = s * s * s;
                    (0..3).for_each(|i| sum[i] += d[i] * 24.0 * s3 * (2.0 * s3 - 1.0) * s);
                    sum[3] += 2.0 * s3 * (s3 - 1.0);
                }
            }
            sum.map(|v| v as f32)
        };
        let want: Vec<f32> = (0..64).flat_map(force).collect();
        // Atoms near the cut-off have almost no force on each other, so it hardly matters on which side they are.
        lab.read(&atoms).write(&want).bytes(&[4.8f32, 2.0]).within(0.1).run(4);
    }),
];
