// What the provider does with a configuration, as far as a schema tells: checks it, plans, and settles what was unknown.
import type { AttributeType, Block } from './schema.ts';
import { isAbsent, isUnknown, mapBlocks, UNKNOWN, type Fields } from './value.ts';

/** Of tfplugin6's `Diagnostic.Severity`. */
const ERROR = 1;

export interface Diagnostic {
  readonly severity: number;
  readonly summary: string;
  readonly detail: string;
  readonly attribute?: { readonly steps: readonly object[] };
}

export function errorDiagnostic(summary: string, detail: string): Diagnostic {
  return { severity: ERROR, summary, detail };
}

/** What Terraform leaves to the provider to check: attributes that cannot be set, and values of enumerations. */
export function checkConfig(block: Block, config: Fields, path: readonly object[] = []): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const [name, { enum: allowed = [], required = false, optional = false }] of Object.entries(
    block.attributes,
  )) {
    const steps = [...path, { attribute_name: name }];
    const value = config[name];
    if (!required && !optional && !isAbsent(value)) {
      const detail = `"${name}" cannot be set: its value is decided when the configuration is applied.`;
      found.push({ ...errorDiagnostic('Value for unconfigurable attribute', detail), attribute: { steps } });
    }
    for (const one of allowed.length === 0 ? [] : [value].flat()) {
      if (typeof one !== 'string' || allowed.includes(one) || (one === '' && !required)) continue;
      const detail = `expected one of ${allowed.map(each => JSON.stringify(each)).join(', ')}; got ${JSON.stringify(one)}`;
      found.push({ ...errorDiagnostic(`Invalid value for ${name}`, detail), attribute: { steps } });
    }
  }
  mapBlocks(block, config, (inner, fields, { name, index, mode }) => {
    const element = mode === 'list' ? [{ element_key_int: index }] : [];
    found.push(...checkConfig(inner, fields, [...path, { attribute_name: name }, ...element]));
    return fields;
  });
  return found;
}

/** What is to be: `proposed`, with computed attributes that nobody set unknown, or as they were. */
export function planChange(
  block: Block,
  config: Fields,
  proposed: Fields,
  prior: Fields | undefined,
  settings: Fields,
): Fields {
  const planned = { ...planBlock(block, config, proposed, prior) };
  // What the provider knows before it asks Google: the project, and labels.
  const hasProject = block.attributes['project']?.computed === true && isAbsent(config['project']);
  if (hasProject && isUnknown(planned['project']) && typeof settings['project'] === 'string') {
    planned['project'] = settings['project'];
  }
  if ('terraform_labels' in block.attributes && 'labels' in config) {
    const labels = plannedLabels(config['labels'], settings);
    planned['terraform_labels'] = labels;
    planned['effective_labels'] = labels;
  }
  return planned;
}

function planBlock(block: Block, config: Fields, proposed: Fields, prior: Fields | undefined): Fields {
  const planned: Record<string, unknown> = { ...proposed };
  for (const [name, { write_only: isWriteOnly = false, computed = false }] of Object.entries(
    block.attributes,
  )) {
    if (isWriteOnly) planned[name] = null;
    else if (computed && isAbsent(planned[name]) && isAbsent(config[name])) {
      planned[name] = prior === undefined ? UNKNOWN : (prior[name] ?? null);
    }
  }
  const nested = mapBlocks(block, proposed, (inner, fields, { name, index, mode }) => {
    const same = (from: Fields | undefined): Fields | undefined => {
      const blocks = from?.[name] as Fields | Fields[] | undefined;
      if (mode === 'single') return blocks as Fields | undefined;
      return mode === 'list' && Array.isArray(blocks) ? blocks[Number(index)] : undefined;
    };
    return planBlock(inner, same(config) ?? fields, fields, same(prior));
  });
  return { ...planned, ...nested };
}

function plannedLabels(labels: unknown, settings: Fields): unknown {
  const defaults = settings['default_labels'];
  const isKnown = (map: unknown): boolean =>
    !isUnknown(map) && Object.values((map ?? {}) as Fields).every(value => !isUnknown(value));
  if (!isKnown(labels) || !isKnown(defaults)) return UNKNOWN;
  const attribution =
    settings['add_terraform_attribution_label'] === false ? {} : { 'goog-terraform-provisioned': 'true' };
  return { ...(defaults as Fields | null), ...attribution, ...(labels as Fields | null) };
}

/** What is: `planned`, with an answer in place of each unknown. */
export function settle(
  block: Block,
  planned: Fields,
  answer: (name: string, type: AttributeType) => unknown,
): Fields {
  const settled: Record<string, unknown> = { ...planned };
  for (const [name, { type }] of Object.entries(block.attributes)) {
    if (isUnknown(settled[name])) settled[name] = answer(name, type);
  }
  return { ...settled, ...mapBlocks(block, planned, (inner, fields) => settle(inner, fields, answer)) };
}
