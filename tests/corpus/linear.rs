//! Linear algebra, dense and sparse, and Fourier transforms.

use crate::lab::Case;

/// The product of an m by k matrix and a k by n matrix, in row-major order.
fn product(a: &[f32], b: &[f32], k: usize, n: usize) -> Vec<f32> {
    let entry = |row: &[f32], column: usize| (0..k).map(|i| row[i] * b[i * n + column]).sum();
    a.chunks(k).flat_map(|row| (0..n).map(move |column| entry(row, column))).collect()
}

/// A square matrix with a dominant diagonal.
fn dominant(mut m: Vec<f32>, n: usize) -> Vec<f32> {
    m.iter_mut().step_by(n + 1).for_each(|v| *v = v.abs() + n as f32);
    m
}

/// The discrete Fourier transform of complex numbers, from its definition.
fn fourier(x: &[f32]) -> Vec<f32> {
    let n = x.len() / 2;
    let bin = |k: usize| {
        let (mut re, mut im) = (0.0, 0.0);
        for (i, x) in x.chunks(2).enumerate() {
            let (s, c) = (-std::f64::consts::TAU * (k * i % n) as f64 / n as f64).sin_cos();
            re += f64::from(x[0]) * c - f64::from(x[1]) * s;
            im += f64::from(x[0]) * s + f64::from(x[1]) * c;
        }
        [re as f32, im as f32]
    };
    (0..n).flat_map(bin).collect()
}

pub(crate) const CASES: &[Case] = &[
    case!("linear/matmul", |lab| {
        let (a, b) = (lab.floats(20 * 13), lab.floats(13 * 17));
        lab.read(&a).read(&b).write(&product(&a, &b, 13, 17)).bytes(&[20u32, 17, 13]).within(1e-5).run([3, 3, 1]);
    }),
    case!("linear/matmul_tiled", |lab| {
        let (a, b) = (lab.floats(19 * 30), lab.floats(30 * 21));
        lab.read(&a).read(&b).write(&product(&a, &b, 30, 21)).bytes(&[19u32, 21, 30]).within(1e-5).run([3, 3, 1]);
    }),
    case!("linear/matmul_registers", |lab| {
        let (a, b) = (lab.floats(64 * 64), lab.floats(64 * 64));
        lab.read(&a).read(&b).write(&product(&a, &b, 64, 64)).immediate(&[64u32]).within(1e-5).run([2, 2, 1]);
    }),
    case!("linear/matvec", |lab| {
        let (m, v) = (lab.floats(20 * 75), lab.floats(75));
        lab.read(&m).read(&v).write(&product(&m, &v, 75, 1)).within(1e-5).run(20);
    }),
    case!("linear/transpose", |lab| {
        let m = lab.floats(37 * 21);
        let want: Vec<f32> = (0..37).flat_map(|x| m.iter().skip(x).step_by(37).copied()).collect();
        lab.read(&m).write(&want).bytes(&[37u32, 21]).run([3, 2, 1]);
    }),
    case!("linear/lu", |lab| {
        let m = dominant(lab.floats(256), 16);
        let mut want = m.clone();
        for k in 0..16 {
            for row in k + 1..16 {
                let factor = want[row * 16 + k] / want[k * 16 + k];
                want[row * 16 + k] = factor;
                (k + 1..16).for_each(|j| want[row * 16 + j] -= factor * want[k * 16 + j]);
            }
        }
        lab.update(&m, &want).within(1e-5).run(1);
    }),
    case!("linear/cholesky", |lab| {
        // The input is L L' for lower triangular matrices L with positive diagonals, so the result must be L.
        let mut l = lab.floats(16 * 20);
        for (at, v) in l.iter_mut().enumerate() {
            let (column, row) = (at / 4 % 4, at % 4);
            *v = if row < column { 0.0 } else if row == column { v.abs() + 1.0 } else { *v };
        }
        let square = |l: &[f32]| -> Vec<f32> {
            let entry = |j: usize, i: usize| (0..4).map(|k| l[4 * k + i] * l[4 * k + j]).sum();
            (0..16).map(|at| entry(at / 4, at % 4)).collect()
        };
        let a: Vec<f32> = l.chunks(16).flat_map(square).collect();
        lab.update(&a, &l).within(1e-4).run(2);
    }),
    case!("linear/jacobi", |lab| {
        let (a, b, x) = (dominant(lab.floats(40 * 40), 40), lab.floats(40), lab.floats(40));
        let next = |i: usize| (b[i] - (0..40).filter(|&j| j != i).map(|j| a[i * 40 + j] * x[j]).sum::<f32>()) / a[i * 41];
        let want: Vec<f32> = (0..40).map(next).collect();
        lab.read(&a).read(&b).read(&x).write(&want).within(1e-5).run(2);
    }),
    case!("linear/red_black", |lab| {
        let grid = lab.floats(18 * 14);
        let mut want = grid.clone();
        for colour in [0, 1] {
            for at in (0..18 * 14).filter(|at| (at % 18 + at / 18) % 2 == colour) {
                if (1..17).contains(&(at % 18)) && (1..13).contains(&(at / 18)) {
                    let around = want[at - 18] + want[at + 18] + want[at - 1] + want[at + 1];
                    want[at] += (around / 4.0 - want[at]) * 1.5;
                }
            }
        }
        lab.update(&grid, &want).within(1e-5).run_entry("red", [3, 2, 1]).run_entry("black", [3, 2, 1]);
    }),
    case!("linear/triangular_solve", |lab| {
        let (l, x) = (dominant(lab.floats(32 * 32), 32), lab.floats(32));
        let b: Vec<f32> = (0..32).map(|row| (0..=row).map(|i| l[row * 32 + i] * x[i]).sum()).collect();
        lab.read(&l).update(&b, &x).within(1e-5).run(1);
    }),
    case!("linear/tridiagonal", |lab| {
        let (mut systems, x) = (Vec::new(), lab.floats(12 * 20));
        for x in x.chunks(12) {
            let (lower, upper) = (lab.floats(12), lab.floats(12));
            let middle = lab.between(12, 3.0, 5.0);
            let row = |i: usize| {
                let before = if i > 0 { lower[i] * x[i - 1] } else { 0.0 };
                let after = if i < 11 { upper[i] * x[i + 1] } else { 0.0 };
                before + middle[i] * x[i] + after
            };
            systems.extend([&lower[..], &middle, &upper, &(0..12).map(row).collect::<Vec<_>>()].concat());
        }
        lab.read(&systems).write(&x).within(1e-5).run(3);
    }),
    case!("linear/spmv_csr", |lab| {
        let counts = lab.below(60, 7);
        let mut starts = vec![0];
        counts.iter().for_each(|count| starts.push(starts[starts.len() - 1] + count));
        let entries = starts[60] as usize;
        let (columns, values, v) = (lab.below(entries, 50), lab.floats(entries), lab.floats(50));
        let row = |row: usize| (starts[row] as usize..starts[row + 1] as usize).map(|i| values[i] * v[columns[i] as usize]).sum();
        let want: Vec<f32> = (0..60).map(row).collect();
        lab.read(&starts).read(&columns).read(&values).read(&v).write(&want).within(1e-5).run(2);
    }),
    case!("linear/outer_product", |lab| {
        let (a, b, m) = (lab.floats(20), lab.floats(13), lab.floats(260));
        let want: Vec<f32> = (0..260).map(|at| m[at] + a[at / 13] * b[at % 13]).collect();
        lab.read(&a).at(0, 0).read(&b).at(1, 0).update(&m, &want).at(2, 0).within(1e-6).run([2, 3, 1]);
    }),
    case!("linear/transforms", |lab| {
        let (chain, points) = (lab.floats(36), lab.floats(4 * 50));
        let apply = |p: [f32; 3], t: &[f32]| [0, 4, 8].map(|row| p[0] * t[row] + p[1] * t[row + 1] + p[2] * t[row + 2] + t[row + 3]);
        let through = |p: &[f32]| {
            let [x, y, z] = chain.chunks(12).fold([p[0], p[1], p[2]], apply);
            [x, y, z, p[3]]
        };
        let want: Vec<f32> = points.chunks(4).flat_map(through).collect();
        lab.bytes(&chain).update(&points, &want).within(1e-4).run(2);
    }),
    case!("linear/fft", |lab| {
        let x = lab.floats(128 * 3);
        let want: Vec<f32> = x.chunks(128).flat_map(fourier).collect();
        // Vulkan guarantees 2^-11 for sin and cos.
        lab.update(&x, &want).within(4e-3).run(3);
    }),
    case!("linear/fft_written_out", |lab| {
        let x = lab.floats(128 * 6);
        let want: Vec<f32> = x.chunks(128).flat_map(fourier).collect();
        lab.update(&x, &want).within(1e-4).run(2);
    }),
    case!("linear/low_pass", |lab| {
        let x = lab.floats(128 * 5);
        // Conjugate, transform and conjugate give the inverse transform times 64.
        let conjugate = |x: Vec<f32>| -> Vec<f32> { x.chunks(2).flat_map(|x| [x[0], -x[1]]).collect() };
        let filter = |x: &[f32]| -> Vec<f32> {
            let mut spectrum = fourier(x);
            spectrum[16..114].fill(0.0);
            conjugate(fourier(&conjugate(spectrum))).iter().map(|x| x / 64.0).collect()
        };
        let want: Vec<f32> = x.chunks(128).flat_map(filter).collect();
        lab.update(&x, &want).within(1e-5).run(2);
    }),
    case!("linear/power_iteration", |lab| {
        // A positive and symmetric matrix with one dominant eigenvalue.
        let noise = lab.between(256, 0.0, 0.05);
        let m: Vec<f32> = (0..256).map(|at| 1.0 + noise[at] + noise[at % 16 * 16 + at / 16]).collect();
        let mut v = vec![1.0f32; 16];
        let mut length = 0.0;
        for _ in 0..60 {
            let next = product(&m, &v, 16, 1);
            length = next.iter().map(|v| v * v).sum::<f32>().sqrt();
            v = next.iter().map(|v| v / length).collect();
        }
        v.push(length);
        lab.read(&m).write(&v).within(1e-4).run(1);
    }),
];
