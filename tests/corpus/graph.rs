//! Steps of graph algorithms.

use crate::lab::{Case, Lab};

/// A random graph in compressed rows: the start of each row, and the targets.
fn rows(lab: &mut Lab<'_>, nodes: u32, degree: u32) -> (Vec<u32>, Vec<u32>) {
    let counts = lab.below(nodes as usize, degree);
    let mut starts = vec![0];
    counts.iter().for_each(|count| starts.push(starts[starts.len() - 1] + count));
    let targets = lab.below(starts[nodes as usize] as usize, nodes);
    (starts, targets)
}

/// The targets of a node.
fn row<'t>(starts: &[u32], targets: &'t [u32], node: usize) -> &'t [u32] {
    &targets[starts[node] as usize..starts[node + 1] as usize]
}

pub(crate) const CASES: &[Case] = &[
    case!("graph/bfs", |lab| {
        let (starts, targets) = rows(lab, 80, 6);
        let frontier = [0, 7, 23];
        let mut levels = vec![-1; 80];
        frontier.iter().for_each(|&node| levels[node as usize] = 3);
        let mut want = levels.clone();
        for &node in &frontier {
            for &target in row(&starts, &targets, node as usize) {
                let level = &mut want[target as usize];
                *level = if *level == -1 { 4 } else { *level };
            }
        }
        let reached: Vec<u32> = (0..80).filter(|&node| want[node as usize] == 4).collect();
        lab.read(&starts).read(&targets).update(&levels, &want).read(&frontier).judge(&[0; 81], move |queue: &[u32]| {
            let mut items = queue[1..=queue[0] as usize].to_vec();
            items.sort_unstable();
            if items == reached { Ok(()) } else { Err(format!("{items:?}, not {reached:?}")) }
        });
        lab.immediate(&[4]).run(1);
    }),
    case!("graph/pagerank", |lab| {
        let (starts, sources) = rows(lab, 70, 6);
        let share = lab.between(70, 0.0, 0.1);
        let rank = |node: usize| 0.15 / 70.0 + 0.85 * row(&starts, &sources, node).iter().map(|&s| share[s as usize]).sum::<f32>();
        let want: Vec<f32> = (0..70).map(rank).collect();
        lab.read(&starts).read(&sources).read(&share).write(&want).within(1e-6).run(3);
    }),
    case!("graph/components", |lab| {
        let edges = lab.below(2 * 40, 64);
        let mut want: Vec<u32> = (0..64).collect();
        for _ in 0..64 {
            for edge in edges.chunks(2) {
                let least = want[edge[0] as usize].min(want[edge[1] as usize]);
                edge.iter().for_each(|&node| want[node as usize] = least);
            }
        }
        lab.read(&edges).write(&want).run(1);
    }),
    case!("graph/floyd_warshall", |lab| {
        let mut d = lab.below(256, 100);
        d.iter_mut().filter(|d| **d > 40).for_each(|d| *d = 100_000);
        (0..16).for_each(|i| d[i * 17] = 0);
        let mut want = d.clone();
        for k in 0..16 {
            (0..256).for_each(|at| want[at] = want[at].min(want[at / 16 * 16 + k] + want[k * 16 + at % 16]));
        }
        lab.update(&d, &want).run(1);
    }),
    case!("graph/bellman_ford", |lab| {
        let (ends, weights) = (lab.below(2 * 150, 40), lab.below(150, 50));
        let edges: Vec<u32> = ends.chunks(2).zip(&weights).flat_map(|(ends, &weight)| [ends[0], ends[1], weight]).collect();
        let now: Vec<u32> = lab.below(40, 60).iter().map(|&d| if d > 30 { u32::MAX } else { d }).collect();
        let mut want = now.clone();
        for edge in edges.chunks(3).filter(|edge| now[edge[0] as usize] != u32::MAX) {
            let own = &mut want[edge[1] as usize];
            *own = (*own).min(now[edge[0] as usize] + edge[2]);
        }
        lab.read(&edges).read(&now).update(&now, &want).run(3);
    }),
    case!("graph/triangles", |lab| {
        let ends = lab.below(2 * 300, 64);
        let mut near = vec![0u64; 64];
        for edge in ends.chunks(2).filter(|edge| edge[0] != edge[1]) {
            near[edge[0] as usize] |= 1 << edge[1];
            near[edge[1] as usize] |= 1 << edge[0];
        }
        let has = |a: usize, b: usize| near[a] >> b & 1 == 1;
        let triples = (0..64).flat_map(|a| (a + 1..64).flat_map(move |b| (b + 1..64).map(move |c| (a, b, c))));
        // Each triangle is found from its three edges.
        let count = 3 * triples.filter(|&(a, b, c)| has(a, b) && has(b, c) && has(a, c)).count() as u32;
        let rows: Vec<u32> = near.iter().flat_map(|row| [*row as u32, (row >> 32) as u32]).collect();
        lab.read(&rows).update(&[0], &[count]).run([8, 8, 1]);
    }),
];
