import { readFileSync } from 'node:fs';

const sampleEvery = 200;
/** The kernel counts processor time in hundredths of a second. */
const ticks = 100;

/** What a process used in some time. */
export interface Usage {
  /** The most that was resident, in megabytes. */
  peak: number;
  /** Processors that it kept busy. */
  processors: number;
}

interface Sample {
  at: number;
  resident: number;
  /** Seconds of processor time since it began. */
  busy: number;
}

/** Samples what the kernel says of a process (Linux) until it is disposed of. */
export class ProcessWatch implements Disposable {
  private readonly samples: Sample[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.timer = setInterval(() => this.samples.push(sample(pid)), sampleEvery);
  }

  /** What was used from a time until now. */
  since(time: number): Usage {
    const samples = this.samples.filter(({ at }) => at >= time);
    const [first, last] = [samples[0]!, samples.at(-1)!];
    return {
      peak: Math.max(...samples.map(({ resident }) => resident)),
      processors: ((last.busy - first.busy) * 1000) / (last.at - first.at),
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer);
  }
}

function sample(pid: number): Sample {
  const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8');
  const resident = Number(/VmRSS:\s+(\d+)/.exec(read('status'))?.[1]) / 1024;
  // Behind the program's name, which may hold spaces, the 12th and 13th are user and system time.
  const [user, system] = read('stat').replace(/.*\) /s, '').split(' ').slice(11, 13);
  return { at: performance.now(), resident, busy: (Number(user) + Number(system)) / ticks };
}
