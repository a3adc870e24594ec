import asyncio, time, json, cProfile, pstats
import redis as rl
from tests.benchmarks.ledger import *
from llm7router.state import cells as C
from llm7router.state.store import redis_client
from llm7router.state.store.redis_scripts import *
async def main():
    with RedisServer("--appendonly","no") as server:
        redis = RedisStore(server.url())
        await lived_in(redis)
        cell=redis.read_now()["alpha@0/one"]; text=C.dumps(cell)
        d=model(); con=redis._connection; key=redis._address.key
        client=rl.Redis(port=server.port)
        name=[0]
        def swap(text=text):
            name[0]+=1
            a=swap_arguments(f"n{name[0]:07}", .02, keys(d), redis._seen, {"alpha@0/one": text})
            o,s,v,_=redis._run_script(SWAP,a)
            assert o=="done"; redis._seen["alpha@0/one"]=Held(v,cell)
        def rawping(): con.send_command("PING"); con.read_response()
        def sock(): con._sock.sendall(b"*1\r\n$4\r\nPING\r\n"); con._sock.recv(100)
        swap()
        a=swap_arguments("n1234567", .02, keys(d), redis._seen, {"alpha@0/one": text})
        packed=con.pack_command("EVALSHA",redis._sha[SWAP],"1",key,*a)
        cells={"alpha@0/one":cell}; charges=demand.charges(REQUEST,d,900); now=time.time()
        for r in range(3):
            print("client ping %.1f conn ping %.1f sock ping %.1f swap %.1f pack %.1f args %.1f dumps %.1f reserve %.1f inside %.1f" % tuple(median_us(f,7,200) for f in (client.ping, rawping, sock, swap, lambda: con.pack_command("EVALSHA",redis._sha[SWAP],"1",key,*a), lambda: swap_arguments("n1234567", .02, keys(d), redis._seen, {"alpha@0/one": text}), lambda: C.dumps(cell), lambda: quota.reserve(cells,d,charges,id="r",now=now,expires_at=now+60)))+(inside_us(redis,5,100),) if False else tuple(round(median_us(f,7,200),1) for f in (client.ping, rawping, sock, swap, lambda: con.pack_command("EVALSHA",redis._sha[SWAP],"1",key,*a), lambda: swap_arguments("n1234567", .02, keys(d), redis._seen, {"alpha@0/one": text}), lambda: C.dumps(cell), lambda: quota.reserve(cells,d,charges,id="r",now=now,expires_at=now+60))), inside_us(redis,5,100))
        server.admin.config_resetstat(); median_us(swap,3,200); print({k[8:]: v["usec_per_call"] for k,v in server.admin.info("commandstats").items() if 'config' not in k})
        redis.close()
asyncio.run(main())
