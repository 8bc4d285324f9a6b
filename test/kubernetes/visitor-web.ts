import { pauseImage } from './programs.ts';

const script = `#!/bin/busybox sh
printf 'Content-Type: text/plain\\r\\n\\r\\nvisitor %s' "$REMOTE_ADDR"
`;
const serve = `/bin/busybox mkdir -p /www/cgi-bin && cd /www/cgi-bin && printf '%s' "$SCRIPT" >visitor &&
  /bin/busybox chmod 755 visitor && exec /bin/busybox httpd -f -p 0.0.0.0:8080 -h /www`;

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'visitors', labels: { app: 'visitors' } },
  spec: {
    automountServiceAccountToken: false,
    containers: [
      {
        name: 'visitors',
        image: pauseImage,
        imagePullPolicy: 'Never',
        env: [{ name: 'SCRIPT', value: script }],
        command: ['/bin/busybox', 'sh', '-c', serve],
        readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
      },
    ],
  },
};

function service(name: string, nodePort: number, externalTrafficPolicy: 'Cluster' | 'Local') {
  const ports = [{ port: 80, targetPort: 8080, nodePort }];
  const spec = { type: 'NodePort', selector: { app: 'visitors' }, ports, externalTrafficPolicy };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec };
}

/** A web server that tells its visitor from which address it came, behind one NodePort of each policy. */
export const visitorWeb = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [pod, service('visitors', 30080, 'Cluster'), service('visitors-local', 30081, 'Local')],
});
