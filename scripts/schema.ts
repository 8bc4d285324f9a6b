import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { configKeys, configSchema } from '../src/config/schema.ts';

export const schemaFile = fileURLToPath(new URL('../schema/ip-masq-agent.schema.json', import.meta.url));

/** The JSON Schema by which editors complete and check a config, made from the schema that the agent reads it with. */
export function publishedSchema(): string {
  const { $schema, properties } = z.toJSONSchema(configSchema(true, true), {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // JSON has no bigint; what the agent takes for one is an integer.
      if (zodSchema instanceof z.ZodMiniBigInt) jsonSchema.type = 'integer';
      // Zod leaves out the defaults of values that it transforms.
      Object.assign(jsonSchema, z.globalRegistry.get(zodSchema));
    },
  });
  const schema = {
    $schema,
    title: 'Config of ip-masq-agent',
    description:
      'A file of --config, or one key of the ConfigMap that is mounted there. Keys match in any letter case.',
    type: ['object', 'null'],
    properties,
    patternProperties: Object.fromEntries(configKeys.map((key) => [anyCase(key), { $ref: `#/properties/${key}` }])),
    additionalProperties: false,
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

/** JSON Schema has no flag for letter case. */
function anyCase(key: string): string {
  return `^${key.replaceAll(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`)}$`;
}

if (import.meta.main) writeFileSync(schemaFile, publishedSchema());
