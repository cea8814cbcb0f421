// pigz, which compresses by gzip on all cores, as the measure of what a machine can do.
import { execa } from 'execa';

export interface Compressed {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Compresses a file, and throws the result away. Throws a sentence where pigz is missing. */
export async function runPigz(file: string, level: number, cores: number): Promise<Compressed> {
  const script = 'TIMEFORMAT="%R %U %S"; time pigz -p "$1" "-$2" --stdout "$3" >/dev/null';
  const { stderr } = await execa('bash', ['-c', script, 'bash', String(cores), String(level), file]);
  const [seconds, user, system] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  if (seconds === undefined || user === undefined || system === undefined || /not found/.test(stderr)) {
    throw new Error('pigz is missing, which packing is compared with: apt-get install pigz');
  }
  return { seconds, cpuSeconds: user + system };
}
