export default function Hosts() { return <p>Hosts</p>; }
