import { describeConformance } from '../conformance/backend.cases.ts';
import { iptablesDamages } from './iptables-damages.ts';

describeConformance('iptables-legacy', iptablesDamages('legacy'));
